import { type FileInfo, KoboldError } from "@koboldfs/protocol";
import type { Run } from "../connection.js";
import type { FileSelection } from "../files/file-selection.js";
import { nothingSelected, selectFiles } from "../files/select-files.js";
import { printable } from "../output/printable.js";
import { type CopyTarget, targetKeyOf } from "./copy-target.js";
import { tellFailure } from "./run-many.js";

/** So many target keys are remembered, so that no two files of several patterns become one. */
const MAX_REMEMBERED = 100_000;

/** A file, and the key that it gets. */
export interface PlannedCopy {
  readonly namespace: string;
  readonly key: string;
  readonly toKey: string;
  /** Known of files that were listed. */
  readonly info?: FileInfo;
}

/** Plans the copies of selections, one after the other. A file that another would replace in the same run is told. */
export class CopyPlanner {
  readonly #run: Run;
  readonly #target: CopyTarget;
  /** Undefined when one selection alone is copied: then no two files can get one key. */
  readonly #taken: Set<string> | undefined;
  /** The number of the first change that this run made; what is listed from there on is its own work. */
  #firstOwnVersion = Number.POSITIVE_INFINITY;

  constructor(run: Run, target: CopyTarget, selections: readonly FileSelection[]) {
    this.#run = run;
    this.#target = target;
    this.#taken = selections.length > 1 ? new Set() : undefined;
  }

  /** A change of this run got this number. */
  noteVersion(version: number): void {
    this.#firstOwnVersion = Math.min(this.#firstOwnVersion, version);
  }

  async *plan(selection: FileSelection): AsyncGenerator<PlannedCopy> {
    const { namespace } = selection;
    if (selection.kind === "one") {
      yield* this.#admit({ namespace, key: selection.key, toKey: targetKeyOf(selection, selection.key, this.#target) });
      return;
    }
    let found = false;
    for await (const info of selectFiles(this.#run.connect(namespace), selection, this.#run.context.signal)) {
      if (namespace === this.#target.namespace && info.version >= this.#firstOwnVersion) continue;
      found = true;
      yield* this.#admit({ namespace, key: info.key, toKey: targetKeyOf(selection, info.key, this.#target), info });
    }
    if (!found) tellFailure(this.#run, nothingSelected(selection));
  }

  *#admit(copy: PlannedCopy): Generator<PlannedCopy> {
    const from = printable(`${copy.namespace}/${copy.key}`);
    if (copy.namespace === this.#target.namespace && copy.key === copy.toKey) {
      tellFailure(this.#run, new KoboldError("invalid_request", `${from} is its own target`));
      return;
    }
    if (this.#taken?.has(copy.toKey) === true) {
      const to = printable(`${this.#target.namespace}/${copy.toKey}`);
      tellFailure(this.#run, new KoboldError("precondition_failed", `${from} would replace ${to}, just written`));
      return;
    }
    if (this.#taken !== undefined) {
      if (this.#taken.size === MAX_REMEMBERED) {
        throw new KoboldError("too_large", `more than ${MAX_REMEMBERED} files of several sources; take one at a time`);
      }
      this.#taken.add(copy.toKey);
    }
    yield copy;
  }
}
