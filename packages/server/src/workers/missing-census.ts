import type { BlobStatter } from "../blobs/blob-store.js";
import type { BlobSpot, CommitCatalog, CompletionCatalog, CopyCatalog, StoredBlobRecord } from "../catalog/catalog.js";
import type { Cluster } from "../cluster/cluster.js";
import { NODE_STATES } from "../model/node-state.js";
import type { Logger } from "../runtime/logger.js";

export interface MissingCensusOptions {
  readonly catalog: Pick<CopyCatalog, "listBlobs"> & Pick<CompletionCatalog, "addDebts"> & CommitCatalog;
  readonly cluster: Pick<Cluster, "self" | "nodes" | "readingPeers" | "nudge">;
  /** What counts as being here. */
  readonly here: BlobStatter;
  readonly log: Logger;
}

/** Blobs asked about at once. */
const PAGE = 500;
/** A node that lacks more than this is better filled by walking the journal than by more rows. */
export const MAX_CENSUS_DEBTS = 50_000;
const FIRST: BlobSpot = { digest: "00".repeat(32), namespace: "" };
const LAST_DIGEST = "ff".repeat(32);

/**
 * Finds what the catalog names and this node does not have any more, by its names alone, and notes it as debts. A debt
 * too many does no harm: the repair finds the blob here.
 */
export class MissingCensus {
  readonly #options: MissingCensusOptions;
  #after: BlobSpot | undefined;
  #found = { files: 0, bytes: 0 };

  constructor(options: MissingCensusOptions) {
    this.#options = options;
  }

  get isRunning(): boolean {
    return this.#after !== undefined;
  }

  /** From the beginning, also when one runs: what it has walked may be missing by now. */
  begin(): void {
    this.#after = FIRST;
    this.#found = { files: 0, bytes: 0 };
  }

  /** Walks one page. */
  async step(): Promise<void> {
    const { catalog, cluster } = this.#options;
    const self = cluster.nodes().find(({ id }) => id === cluster.self);
    // A node that is drained owes nothing; its volumes are not what the cluster counts on.
    if (this.#after === undefined || self === undefined || !NODE_STATES[self.state].owes) return this.#end();
    const after = this.#after;
    const blobs = await catalog.listBlobs({ after, until: LAST_DIGEST, limit: PAGE });
    await this.#owe(await this.#listMissing(blobs));
    if (this.#found.files > MAX_CENSUS_DEBTS) return this.#refill();
    const last = blobs.at(-1);
    if (last === undefined || blobs.length < PAGE) return this.#end();
    // Begun anew meanwhile: from the beginning then.
    if (this.#after === after) this.#after = { digest: last.digest, namespace: last.namespace };
  }

  async #listMissing(blobs: readonly StoredBlobRecord[]): Promise<StoredBlobRecord[]> {
    const missing: StoredBlobRecord[] = [];
    for (const blob of blobs) if ((await this.#options.here.stat(blob)) === undefined) missing.push(blob);
    return missing;
  }

  async #owe(missing: readonly StoredBlobRecord[]): Promise<void> {
    const { catalog, cluster } = this.#options;
    if (missing.length === 0) return;
    const copies = cluster.readingPeers().length;
    await catalog.addDebts(missing.map((blob) => ({ ...blob, node: cluster.self, copies })));
    this.#found.files += missing.length;
    this.#found.bytes += missing.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    cluster.nudge([cluster.self]);
  }

  async #refill(): Promise<void> {
    const { catalog, cluster, log } = this.#options;
    const outcome = await catalog.commit({ kind: "refill-node", node: cluster.self, forgetVolumes: false });
    if (!outcome.ok) throw outcome.error;
    log.warn({ blobs: this.#found.files }, "so much is missing here that the node is filled from the beginning");
    this.#after = undefined;
  }

  #end(): void {
    if (this.#after !== undefined) this.#options.log.info(this.#found, "noted what is missing without the volume");
    this.#after = undefined;
  }
}
