import type { CrashPoint } from "@koboldfs/server/crash-points";
import { expectAccounted, expectNoTemporaryFiles, expectReadable } from "../accounting/check-writes.js";
import { WriteLedger } from "../accounting/write-ledger.js";
import type { Cluster } from "../harness/cluster.js";
import type { NodeProcess } from "../harness/node-process.js";
import { waitUntilWhole } from "../harness/node-status.js";
import { mustGet } from "../harness/raw-files.js";
import { waitUntil } from "../harness/wait-until.js";

/** One death in a cluster of two: `victim` dies at a point while `other` goes on. */
export class CrashScene {
  readonly cluster: Cluster;
  readonly point: CrashPoint;
  readonly ledger = new WriteLedger();
  /** Uploads that were begun. */
  readonly uploads: URL[] = [];
  /** Digests of what must be on no disk in the end. */
  readonly doomed: string[] = [];
  /** Keys that must have no name in the end. */
  readonly absent: string[] = [];
  readonly #name: string;
  #keys = 0;

  constructor(cluster: Cluster, point: CrashPoint, name: string) {
    this.cluster = cluster;
    this.point = point;
    this.#name = name;
  }

  get other(): NodeProcess {
    return this.cluster.node("a");
  }

  get victim(): NodeProcess {
    return this.cluster.node("b");
  }

  /** The scene before may have failed: that must not fail this one. */
  async prepare(): Promise<void> {
    if (!this.victim.isRunning) await this.victim.start();
    await this.cluster.waitUntilAllSeeAll();
  }

  /** A key that no other scene has, and bytes that no other key has. */
  next(): { key: string; body: string } {
    this.#keys += 1;
    const key = `${this.#name}/${this.#keys}`;
    return { key, body: `${key} `.repeat(1 + ((this.#keys * 37) % 200)) };
  }

  async put(through: NodeProcess): Promise<void> {
    const { key, body } = this.next();
    await this.ledger.put(through.url, key, body);
  }

  async putMany(through: NodeProcess, count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.put(through)));
  }

  /** Puts from four sides until the victim is dead. Each lane puts at least once. */
  async putUntilDeath(through: NodeProcess): Promise<void> {
    const lane = async (): Promise<void> => {
      do await this.put(through);
      while (this.victim.isRunning && this.ledger.attempts.length < MAX_ATTEMPTS);
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    await this.victim.waitForCrash(this.point);
  }

  /** The victim is still dead: what two machines had, the other one answers. */
  async expectOnOther(): Promise<void> {
    await expectReadable(
      this.other,
      this.ledger.attempts.filter(({ copies = 0 }) => copies >= 2),
    );
  }

  /** Both nodes take the catalog for whole, and nothing of either history waits to be joined. */
  async waitUntilMended(): Promise<void> {
    for (const node of this.cluster.nodes) await waitUntilWhole(node);
    await waitUntil("every acknowledged file is named", async () => {
      for (const { key } of this.ledger.acknowledged) await mustGet(this.other.url, key);
      return true;
    });
  }

  async expectWhole(): Promise<void> {
    await this.cluster.waitUntilAllSeeAll();
    await expectAccounted(this.cluster, this.ledger.attempts);
    // Nobody writes any more: what still lies there is of the process that died.
    expectNoTemporaryFiles(this.cluster.nodes);
  }
}

const LANES = 4;
/** A point that was not reached by then is reached by none of these puts. */
const MAX_ATTEMPTS = 400;
