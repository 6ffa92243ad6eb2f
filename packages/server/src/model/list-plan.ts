import { compareKeys, findPrefixSuccessor } from "./key-order.js";

export interface ListPlanQuery {
  readonly prefix?: string;
  readonly delimiter?: string;
  readonly after?: string;
  readonly limit: number;
}

/** A stretch of keys to read next. */
export interface KeyRange {
  readonly from: string;
  readonly isFromIncluded: boolean;
  /** The first key behind the stretch; undefined: to the end. */
  readonly to: string | undefined;
  readonly limit: number;
}

/** With a delimiter nobody knows how many keys fold into one prefix: begin small, then follow what was met. */
const FIRST_BATCH = 64;
const SMALLEST_BATCH = 16;
const LARGEST_BATCH = 1001;

type Entry<File> = { readonly name: string; readonly file?: File };

/**
 * Makes a page of a listing from stretches of keys in byte order: `nextRange` says what to read, `take` what was read,
 * until `nextRange` answers undefined. Keys that fold into a prefix are skipped, not read: the next stretch begins
 * behind the last key that can have the prefix.
 */
export class ListPlan<File extends { readonly key: string }> {
  readonly #query: ListPlanQuery;
  readonly #prefix: string;
  readonly #entries: Entry<File>[] = [];
  #batch: number;
  #next: { from: string; isFromIncluded: boolean } | undefined;

  constructor(query: ListPlanQuery) {
    this.#query = query;
    this.#prefix = query.prefix ?? "";
    this.#batch = query.delimiter === undefined ? query.limit + 1 : Math.min(FIRST_BATCH, query.limit + 1);
    this.#next = this.#findStart();
  }

  #findStart() {
    const { after } = this.#query;
    if (after === undefined || compareKeys(after, this.#prefix) < 0)
      return { from: this.#prefix, isFromIncluded: true };
    const folded = this.#findFolded(after);
    return folded === undefined ? { from: after, isFromIncluded: false } : skip(folded);
  }

  nextRange(): KeyRange | undefined {
    if (this.#next === undefined) return undefined;
    return { ...this.#next, to: findPrefixSuccessor(this.#prefix), limit: this.#batch };
  }

  /** Takes the files of the last `nextRange`, at most its limit, in order. */
  take(files: readonly File[]): void {
    const before = this.#entries.length;
    let folded: string | undefined;
    for (const file of files) {
      if (folded !== undefined && file.key.startsWith(folded)) continue;
      folded = this.#findFolded(file.key);
      this.#entries.push(folded === undefined ? { name: file.key, file } : { name: folded });
    }
    const last = files.at(-1);
    const isDone = last === undefined || files.length < this.#batch || this.#entries.length > this.#query.limit;
    if (isDone) this.#next = undefined;
    else this.#next = folded === undefined ? { from: last.key, isFromIncluded: false } : skip(folded);
    this.#adaptBatch(this.#entries.length - before);
  }

  #adaptBatch(entriesOfBatch: number): void {
    if (this.#query.delimiter === undefined) return;
    const isWorthMore = entriesOfBatch * 2 >= this.#batch;
    this.#batch = isWorthMore
      ? Math.min(LARGEST_BATCH, this.#batch * 2)
      : Math.max(SMALLEST_BATCH, Math.floor(this.#batch / 4));
  }

  /** The beginning of the key, up to the delimiter and with it, that stands for the key; undefined: it stands for itself. */
  #findFolded(key: string): string | undefined {
    const { delimiter } = this.#query;
    if (delimiter === undefined || !key.startsWith(this.#prefix)) return undefined;
    const index = key.indexOf(delimiter, this.#prefix.length);
    return index < 0 ? undefined : key.slice(0, index + delimiter.length);
  }

  page(): { files: File[]; prefixes: string[]; next?: string } {
    const { limit } = this.#query;
    const entries = this.#entries.slice(0, limit);
    const files = entries.flatMap((entry) => (entry.file === undefined ? [] : [entry.file]));
    const prefixes = entries.filter((entry) => entry.file === undefined).map((entry) => entry.name);
    const last = entries.at(-1);
    return this.#entries.length > limit && last !== undefined
      ? { files, prefixes, next: last.name }
      : { files, prefixes };
  }
}

function skip(folded: string) {
  const from = findPrefixSuccessor(folded);
  return from === undefined ? undefined : { from, isFromIncluded: true };
}
