import type { BlobRef } from "../blobs/blob-store.js";
import type { ScrubbedStore } from "../blobs/scrubbed-store.js";
import type { ReferenceCatalog } from "../catalog/catalog.js";
import type { Logger } from "../runtime/logger.js";

export interface QuarantineOptions {
  readonly store: Pick<ScrubbedStore, "listQuarantined" | "removeQuarantined" | "findInPlace" | "read">;
  readonly catalog: Pick<ReferenceCatalog, "confirmUnreferenced">;
  readonly log: Logger;
}

/** Asked about in one sweep; what is left over is the next one's. */
const MAX_BLOBS = 500;

/** What becomes of bad bytes that were put aside. */
export class Quarantine {
  readonly #options: QuarantineOptions;

  constructor(options: QuarantineOptions) {
    this.#options = options;
  }

  /**
   * Unlinks bytes of blobs that are here again and good, and of those that nothing refers to. While neither is so they
   * stay, however bad: they may be the last.
   */
  async sweep(): Promise<void> {
    const { catalog, log, store } = this.#options;
    const kept = (await store.listQuarantined()).slice(0, MAX_BLOBS);
    if (kept.length === 0) return;
    const idle = new Set((await catalog.confirmUnreferenced(kept)).map(nameOf));
    for (const ref of kept) {
      if (!idle.has(nameOf(ref)) && !(await this.#isGoodHere(ref))) continue;
      await store.removeQuarantined(ref);
      log.info({ ...ref }, "bad bytes that were put aside are not needed any more");
    }
  }

  async #isGoodHere(ref: BlobRef): Promise<boolean> {
    for (const copy of await this.#options.store.findInPlace(ref)) {
      const [reading] = await this.#options.store.read([copy], Number.POSITIVE_INFINITY, new AbortController().signal);
      if (reading === "good") return true;
    }
    return false;
  }
}

function nameOf({ namespace, digest }: { namespace: string; digest: string }): string {
  return `${namespace}/${digest}`;
}
