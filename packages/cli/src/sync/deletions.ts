import type { RemoteFile, SyncRun } from "./sync-run.js";

/** Deletions of one commit; the server takes no more. */
const MAX_BATCH = 1_000;

/** Collects deletions and sends them in batches. A file that was overwritten since it was listed is left alone. */
export class Deletions {
  readonly #run: SyncRun;
  #files: RemoteFile[] = [];

  constructor(run: SyncRun) {
    this.#run = run;
  }

  async add(file: RemoteFile): Promise<void> {
    if (this.#files.push(file) === MAX_BATCH) await this.flush();
  }

  async flush(): Promise<void> {
    const files = this.#files;
    this.#files = [];
    if (this.#run.dryRun) {
      this.#run.tally.deleted += files.length;
      return;
    }
    const operations = files.map(({ info }) => ({ op: "delete" as const, key: info.key, ifMatch: info.digest }));
    const results = await this.#run.client.batch(operations, { signal: this.#run.signal });
    for (const [index, result] of results.entries()) {
      if (result.ok) this.#run.tally.deleted += 1;
      else if (result.error.code !== "not_found") this.#run.notices.fail(files[index]?.key ?? "", result.error.detail);
    }
  }
}
