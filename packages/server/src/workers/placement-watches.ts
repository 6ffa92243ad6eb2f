import type { NamespaceName } from "@koboldfs/protocol";
import type { BlobRef } from "../blobs/blob-store.js";
import type { PlacementWatch, ScrubbedStore } from "../blobs/scrubbed-store.js";

/** Watches of all blobs of a stretch. */
export class PlacementWatches {
  readonly #store: Pick<ScrubbedStore, "watch">;
  readonly #watches = new Map<string, PlacementWatch>();

  constructor(store: Pick<ScrubbedStore, "watch">) {
    this.#store = store;
  }

  /** Idempotent. */
  begin(ref: BlobRef): void {
    if (!this.#watches.has(nameOf(ref))) this.#watches.set(nameOf(ref), this.#store.watch(ref));
  }

  get(ref: BlobRef): PlacementWatch {
    this.begin(ref);
    return this.#watches.get(nameOf(ref)) as PlacementWatch;
  }

  isPlaced(ref: BlobRef): boolean {
    return this.get(ref).isPlaced;
  }

  end(): void {
    for (const watch of this.#watches.values()) watch.end();
  }
}

export function nameOf({ namespace, digest }: { namespace: NamespaceName; digest: string }): string {
  return `${namespace}/${digest}`;
}
