import { KoboldError } from "@koboldfs/protocol";
import type { DebtCatalog, JournalBlob, JournalCatalog, NodeCatalog } from "../catalog/catalog.js";
import type { Cluster, NodeView } from "../cluster/cluster.js";
import { NODE_STATES } from "../model/node-state.js";
import { crashPoint } from "../runtime/crash-points.js";
import type { Logger } from "../runtime/logger.js";
import type { BlobFetcher } from "./blob-fetcher.js";
import type { StepResult, Worker } from "./worker.js";

export interface BackfillWorkerOptions {
  readonly catalog: Pick<NodeCatalog, "setBackfillPosition"> &
    Pick<JournalCatalog, "listJournalBlobs"> &
    Pick<DebtCatalog, "addDebt">;
  readonly cluster: Cluster;
  readonly fetcher: Pick<BlobFetcher, "fetch">;
  /** Blobs fetched at the same time; the repair worker, whose debts are more urgent, has as many. */
  readonly lanes: number;
  /** Journal entries walked in one step; for tests. */
  readonly batchEntries?: number;
  readonly log: Logger;
}

/**
 * Journal entries walked in one step: at its end all lanes wait for the slowest, so it is worth being long. When the process
 * dies in its midst the blobs that came are read again, not fetched.
 */
const BATCH_ENTRIES = 1_000;
/** Blobs remembered as good here, so that the many names of one blob do not cost as many readings of it. */
const REMEMBERED_BLOBS = 10_000;

/**
 * Brings a node that joined up to date: walks the journal from its beginning to the node's own entry and fetches what is
 * not here. Whatever is put after that entry is the repair worker's, from the first moment.
 */
export class BackfillWorker implements Worker {
  readonly name = "backfill";
  readonly pollMs = 2_000;
  readonly #options: BackfillWorkerOptions;
  readonly #batchEntries: number;
  readonly #good = new Set<string>();
  #position = 0;
  #joinedAt = 0;

  constructor(options: BackfillWorkerOptions) {
    this.#options = options;
    this.#batchEntries = options.batchEntries ?? BATCH_ENTRIES;
  }

  /** Fetches one batch, then moves the position: a crash in between fetches nothing that is here already. */
  async step(signal: AbortSignal): Promise<StepResult> {
    const { catalog, cluster } = this.#options;
    const self = cluster.nodes().find(({ id }) => id === cluster.self);
    if (self === undefined || !NODE_STATES[self.state].owes) return "idle";
    this.#takePosition(self);
    if (this.#position >= self.joinedAt) return this.#sayComplete(self);
    const range = { after: this.#position, until: self.joinedAt, limit: this.#batchEntries };
    const blobs = await catalog.listJournalBlobs(range);
    if (blobs.length > 0 && cluster.readingPeers().length === 0) return "idle";
    await this.#fetchAll(blobs, signal);
    crashPoint("backfill.fetched");
    return this.#moveTo(
      self,
      blobs.length < this.#batchEntries ? self.joinedAt : (blobs.at(-1)?.number ?? self.joinedAt),
    );
  }

  /** What is seen of the own record is a second old, so the position only grows; but a node can join a second time. */
  #takePosition({ joinedAt, backfillPosition }: NodeView): void {
    this.#position = joinedAt === this.#joinedAt ? Math.max(this.#position, backfillPosition) : backfillPosition;
    this.#joinedAt = joinedAt;
  }

  /** An entry of this node that was written at the same moment may have set the position back. */
  async #sayComplete(self: NodeView): Promise<StepResult> {
    if (self.backfillPosition < self.joinedAt) {
      await this.#options.catalog.setBackfillPosition(self.id, this.#position);
    }
    return "idle";
  }

  async #moveTo(self: NodeView, position: number): Promise<StepResult> {
    await this.#options.catalog.setBackfillPosition(self.id, position);
    crashPoint("backfill.moved");
    this.#position = position;
    if (position < self.joinedAt) return "busy";
    this.#options.log.info({ joinedAt: self.joinedAt }, "backfill is complete");
    return "idle";
  }

  async #fetchAll(blobs: readonly JournalBlob[], signal: AbortSignal): Promise<void> {
    const all = new Map(blobs.map((blob) => [keyOf(blob), blob]));
    const queue = [...all.values()].filter((blob) => !this.#good.has(keyOf(blob)));
    const lacking: JournalBlob[] = [];
    let unreachable = 0;
    let failure: { error: unknown } | undefined;
    const lane = async () => {
      for (let blob = queue.shift(); blob !== undefined && failure === undefined; blob = queue.shift()) {
        const outcome = await this.#options.fetcher.fetch(blob, signal);
        if (outcome === "here" || outcome === "fetched") this.#remember(keyOf(blob));
        else lacking.push(blob);
        if (outcome === "unreachable") unreachable += 1;
      }
    };
    const runLane = () => lane().catch((error: unknown) => void (failure ??= { error }));
    const count = queue.length;
    await Promise.all(Array.from({ length: this.#options.lanes }, runLane));
    if (failure !== undefined) throw failure.error;
    if (count > 0 && unreachable === count) {
      throw new KoboldError(
        "peer_failed",
        "no node that may have the next blobs of the journal answers; backfill waits",
      );
    }
    for (const blob of lacking) await this.#owe(blob);
  }

  /** Perhaps a node that is away has it. A debt keeps it in mind without holding up the rest of the journal. */
  async #owe({ namespace, digest, sizeBytes }: JournalBlob): Promise<void> {
    const { catalog, cluster, log } = this.#options;
    log.warn({ namespace, digest }, "a blob of the journal cannot be fetched now; it is noted as a debt");
    await catalog.addDebt({ node: cluster.self, namespace, digest, sizeBytes, copies: 0 });
  }

  #remember(key: string): void {
    this.#good.add(key);
    const oldest = this.#good.size > REMEMBERED_BLOBS ? this.#good.keys().next().value : undefined;
    if (oldest !== undefined) this.#good.delete(oldest);
  }
}

function keyOf({ namespace, digest }: JournalBlob): string {
  return `${namespace}/${digest}`;
}
