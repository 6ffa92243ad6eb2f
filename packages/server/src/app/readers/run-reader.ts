import type { Socket } from "node:net";
import { createClientAuth } from "../../auth/client-auth.js";
import { CachedBlobReader } from "../../blobs/cached-blob-store.js";
import { ReadOnlyVolumes } from "../../blobs/disk/read-only-volumes.js";
import { CorsGate } from "../../http/cors.js";
import { createReaderServer } from "../../http/readers/create-reader-server.js";
import { NodeLink } from "../../http/readers/node-link.js";
import { ReaderHandler } from "../../http/readers/reader-handler.js";
import { Offload } from "../../http/offload.js";
import type { KnownHistory } from "../../model/commit-view.js";
import { systemClock } from "../../runtime/clock.js";
import { systemFileSystem } from "../../runtime/file-system.js";
import { createReaderLogger } from "./reader-logger.js";
import type { FromReader, ReaderSettings, ReaderState } from "./reader-messages.js";
import { SureReads } from "./sure-reads.js";

/** The parts of a reader process, put together. */
export interface RunningReader {
  setState(state: ReaderState): void;
  answerKnown(question: number, known: KnownHistory | undefined): void;
  /** Serves a connection of which `head` was read already; undefined when it was lost on the way. */
  take(connection: Socket | undefined, head: Buffer): void;
  report(): { closed: number; answered: number; handedOn: number };
  /** Resolves when every request that runs has its answer. */
  stop(): Promise<void>;
}

export function runReader(settings: ReaderSettings, send: (message: FromReader) => void): RunningReader {
  const { config, bounds, socketPath: path, maxRunning, token } = settings;
  const log = createReaderLogger(config.log, send);
  const questions = new Map<number, (known: KnownHistory | undefined) => void>();
  let asked = 0;
  const askKnown = () =>
    new Promise<KnownHistory | undefined>((resolve) => {
      asked += 1;
      questions.set(asked, resolve);
      send({ kind: "known", question: asked });
    });
  const reads = new SureReads({ dsn: config.dsn, clock: systemClock, askKnown, log });
  const volumes = new ReadOnlyVolumes({ directories: config.data, files: systemFileSystem, maxLent: bounds.pieces });
  const handler = new ReaderHandler({
    auth: createClientAuth(token),
    findFile: (namespace, key) => reads.findFile(namespace, key),
    blobs: new CachedBlobReader(volumes, bounds.cacheBytes),
    offload: new Offload(volumes, config.accel),
    link: new NodeLink({ path, log }),
    maxRunning: bounds.running,
    cors: config.corsOrigins.length === 0 ? undefined : new CorsGate(config.corsOrigins),
    log,
    logRequests: config.log === "debug",
  });
  const server = createReaderServer({ handler, maxRunning });
  let closed = 0;
  return {
    setState({ isSure, volumes: inService }) {
      reads.setSure(isSure);
      volumes.use(inService);
    },
    answerKnown(question, known) {
      questions.get(question)?.(known);
      questions.delete(question);
    },
    take(connection, head) {
      if (connection === undefined || connection.destroyed) {
        closed += 1;
        return;
      }
      connection.once("close", () => {
        closed += 1;
      });
      // As of connections that an HTTP server accepts: it decides itself what the end of a request means.
      connection.allowHalfOpen = true;
      connection.unshift(head);
      server.take(connection);
      connection.resume();
    },
    report: () => ({ closed, ...handler.counts }),
    async stop() {
      await server.stop();
      await reads.close();
    },
  };
}
