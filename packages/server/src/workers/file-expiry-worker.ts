import type { CommitCatalog, ExpiryCatalog, LeaseCatalog } from "../catalog/catalog.js";
import type { StepResult, Worker } from "./worker.js";

export interface FileExpiryWorkerOptions {
  readonly catalog: LeaseCatalog & ExpiryCatalog & Pick<CommitCatalog, "commitAll">;
  /** Tells this node from others that would do the same. */
  readonly holder: string;
}

/** Files deleted in one commit: the lock is held for some tens of milliseconds. */
const BATCH_FILES = 200;
const LEASE_MS = 60_000;

/** Deletes files that have expired. They read as absent since; this gives back what they count for. */
export class FileExpiryWorker implements Worker {
  readonly name = "file-expiry";
  readonly pollMs = 15_000;
  readonly #options: FileExpiryWorkerOptions;

  constructor(options: FileExpiryWorkerOptions) {
    this.#options = options;
  }

  async step(): Promise<StepResult> {
    const { catalog, holder } = this.#options;
    if (!(await catalog.acquireLease("file-expiry", holder, LEASE_MS))) return "idle";
    const expired = await catalog.listExpired(BATCH_FILES);
    // One that was put anew since it was listed is refused, and stays; so does one that a transaction holds since.
    const outcomes = await catalog.commitAll(
      expired.map(({ namespace, key, version }) => ({ kind: "expire", namespace, key, version })),
    );
    if (expired.length === BATCH_FILES && outcomes.some(({ ok }) => ok)) return "busy";
    await catalog.releaseLease("file-expiry", holder);
    return "idle";
  }
}
