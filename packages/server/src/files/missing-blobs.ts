import type { FileRecord } from "../model/change.js";
import type { FileContext } from "./file-context.js";

/**
 * How many blobs are remembered as reported. A node that is being backfilled is asked for blobs that it does not have
 * yet thousands of times a second; each is worth one row in the catalog, not one write for each read.
 */
const MAX_REMEMBERED = 10_000;
/** A blob that is still (or again) missing after this long is worth another row. */
const REPORT_AGAIN_MS = 60_000;

/** Records blobs that this node was thought to hold, so that its repair fetches them. */
export class MissingBlobs {
  readonly #context: FileContext;
  /** Name of the blob → monotonic time of its report. */
  readonly #reported = new Map<string, number>();

  constructor(context: FileContext) {
    this.#context = context;
  }

  /** Returns at once. A report that is lost is made again by a later read, or by the scrub. */
  report(file: FileRecord): void {
    const name = `${file.namespace}/${file.digest}`;
    const now = this.#context.clock.monotonic();
    const before = this.#reported.get(name);
    if (before !== undefined && now - before < REPORT_AGAIN_MS) return;
    if (this.#reported.size >= MAX_REMEMBERED) this.#reported.clear();
    this.#reported.set(name, now);
    void this.#record(file, name);
  }

  async #record({ namespace, digest, sizeBytes }: FileRecord, name: string): Promise<void> {
    const { catalog, cluster, log } = this.#context;
    try {
      const copies = cluster.readingPeers().length;
      await catalog.addDebt({ node: cluster.self, namespace, digest, sizeBytes, copies });
      cluster.nudge([cluster.self]);
    } catch (err) {
      this.#reported.delete(name);
      log.warn({ err, namespace, digest }, "could not record that a blob is missing here");
    }
  }
}
