import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { WorkersInfo } from "@koboldfs/protocol";
import type { CommitWitness } from "../../catalog/commit-witness.js";
import type { VolumeSet } from "../../blobs/disk/volume-set.js";
import { clientToken, type NodeConfig } from "../../config/node-config.js";
import type { CatalogReads } from "../../files/catalog-reads.js";
import { type HttpServer, MAX_RUNNING, STOP_MS } from "../../http/create-http-server.js";
import type { ClientTraffic } from "../../runtime/client-traffic.js";
import type { Clock } from "../../runtime/clock.js";
import type { Logger } from "../../runtime/logger.js";
import { FrontDoor } from "./front-door.js";
import { boundsOf } from "./node-bounds.js";
import type { ReaderSettings } from "./reader-messages.js";
import { ReaderPool } from "./reader-pool.js";

export interface ReadersOptions {
  readonly config: NodeConfig;
  readonly reads: CatalogReads;
  readonly volumes: Pick<VolumeSet, "volumes">;
  readonly witness: Pick<CommitWitness, "known">;
  readonly traffic: Pick<ClientTraffic, "note">;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Of the node process's requests, those of one kind that come through readers are no more than it lets in itself. */
const MAX_TAKEN_IN = MAX_RUNNING;

/** The other processes of a node that has several: they share its port, and read files by themselves. */
export class Readers {
  readonly #options: ReadersOptions;
  readonly #pool: ReaderPool;
  #door: FrontDoor | undefined;
  #folder: string | undefined;

  constructor(options: ReadersOptions) {
    const { clock, config, log, reads, traffic, volumes, witness } = options;
    this.#options = options;
    this.#pool = new ReaderPool({
      size: config.workers - 1,
      state: () => ({
        isSure: reads.isSure,
        volumes: volumes.volumes.flatMap(({ isSuspect }, index) => (isSuspect ? [] : [index])),
      }),
      known: () => witness.known(),
      onAnswered: (requests) => traffic.note(requests),
      clock,
      log,
    });
    reads.watch(() => this.#pool.tell());
  }

  /** Accepts connections for all processes in place of the server, which is reached by the others on a unix socket. */
  async listen(server: HttpServer): Promise<{ port: number }> {
    const { config } = this.#options;
    // Nobody else of this machine may enter: who is in there says for whom it asks.
    this.#folder = await mkdtemp(join(tmpdir(), "koboldfs-run-"));
    await server.startBehind(this.#socketPath(this.#folder));
    this.#door = new FrontDoor({ own: (connection) => server.take(connection), readers: () => this.#pool.ready });
    return this.#door.listen(config.listen);
  }

  /** When the node serves: a reader has no part in what a node does before. */
  start(): void {
    if (this.#folder === undefined) return;
    const { accel, corsOrigins, data, dsn, log } = this.#options.config;
    const token = clientToken(this.#options.config);
    const settings: ReaderSettings = {
      config: { accel, corsOrigins, data, dsn, log },
      ...(token !== undefined && { token }),
      bounds: boundsOf(this.#options.config).reader,
      maxRunning: MAX_TAKEN_IN,
      socketPath: this.#socketPath(this.#folder),
    };
    this.#pool.start(settings);
  }

  /** Undefined for a node of one process. */
  describe(): WorkersInfo | undefined {
    if (this.#door === undefined) return undefined;
    const readers = this.#pool.all.map(({ pid = 0, connections, answered, handedOn }) => ({
      ...{ pid, connections, answered, handedOn },
    }));
    return { pid: process.pid, connections: this.#door.own, readers, ended: this.#pool.ended };
  }

  /** Resolves when the readers have answered what they were asked, and ended. */
  stop(): Promise<void> {
    return this.#pool.stop(STOP_MS);
  }

  async close(): Promise<void> {
    this.#door?.close();
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }

  #socketPath(folder: string): string {
    return join(folder, "node.sock");
  }
}
