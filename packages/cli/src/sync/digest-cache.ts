import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, realpathSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { compareKeys } from "@koboldfs/client";
import { type DigestLine, DigestLineWriter, readDigestLines } from "./digest-lines.js";
import { mergeTrees } from "./merge-trees.js";
import { isAlive } from "./part-litter.js";
import type { FileStats } from "./file-stats.js";

/**
 * So many lines wait for one whose file takes long. Then that one is given up: its file is read again next time, which
 * beats keeping the lines of a whole tree in memory.
 */
const MAX_WAITING = 20_000;
/** A folder that was not synced for so long is forgotten. */
const MAX_AGE_MS = 90 * 24 * 60 * 60 * 1_000;

/** The place of one file in the order of keys. */
export interface DigestPlace {
  /** Says what the file is, as it looked when it was read. */
  keep(stats: FileStats, digest: string): void;
  /** Says that it is not known, or not for long. Called again, or after `keep`, it does nothing. */
  drop(): void;
}

/** What is known of the files of a folder from earlier runs. */
export interface KnownDigests {
  /** The digest of a file that looks as it did when it was read; else undefined. Ask in the byte order of the keys. */
  find(key: string, stats: FileStats): Promise<string | undefined>;
  /** Takes the next place in the order of the keys. What is said of it may come later, and in any order. */
  reserve(key: string): DigestPlace;
  /**
   * Keeps what was said. `whole` says that every file of the folder had its place: then the others are forgotten.
   * Throws what the system said while it was written, if anything.
   */
  close(whole: boolean): Promise<void>;
}

/** Where nothing can be kept, every file is read. */
export const NOTHING_KNOWN: KnownDigests = {
  find: async () => undefined,
  reserve: () => ({ keep: () => undefined, drop: () => undefined }),
  close: async () => undefined,
};

export interface DigestCacheOptions {
  /** Where such files are kept; made if need be. */
  readonly folder: string;
  /** The folder whose files they tell of. */
  readonly root: string;
  /** Believes nothing that was found out earlier. */
  readonly distrust: boolean;
}

/**
 * Remembers what the files of one folder were found to be, so that a later run need not read those that nobody wrote to
 * since. It is read and written from its beginning to its end, in the order of the keys, while the folder is walked: it
 * takes no memory, however large the folder. A digest that it gives is only ever compared with another one, so that a
 * damaged file of it costs time, never content.
 *
 * A run writes into a file of its own (`NAME.PID`). What a killed run left is taken over by the next one.
 */
export class DigestCache implements KnownDigests {
  readonly #path: string;
  readonly #ownPath: string;
  readonly #lines: AsyncGenerator<DigestLine>;
  readonly #writer: DigestLineWriter;
  readonly #distrust: boolean;
  #next: DigestLine | undefined;
  #waiting: Place[] = [];
  #head = 0;
  #failure: { cause: unknown } | undefined;

  private constructor(path: string, distrust: boolean) {
    this.#path = path;
    this.#ownPath = `${path}.${process.pid}`;
    this.#writer = new DigestLineWriter(this.#ownPath);
    this.#lines = readDigestLines(path);
    this.#distrust = distrust;
  }

  /** Throws what the system says, where nothing can be kept. */
  static async open({ folder, root, distrust }: DigestCacheOptions): Promise<DigestCache> {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const name = createHash("sha256").update(realpathSync(root)).digest("hex").slice(0, 32);
    await tidy(folder, name, Date.now());
    return new DigestCache(join(folder, name), distrust);
  }

  async find(key: string, stats: FileStats): Promise<string | undefined> {
    if (this.#distrust) return undefined;
    while (this.#next === undefined || compareKeys(this.#next.key, key) < 0) {
      const next = await this.#lines.next();
      if (next.done === true) return undefined;
      this.#next = next.value;
    }
    const { key: found, fingerprint, digest } = this.#next;
    return found === key && fingerprint === stats.fingerprint ? digest : undefined;
  }

  reserve(key: string): DigestPlace {
    const place = new Place(key, () => this.#write());
    this.#waiting.push(place);
    if (this.#waiting.length - this.#head > MAX_WAITING) this.#waiting[this.#head]?.drop();
    return place;
  }

  async close(whole: boolean): Promise<void> {
    await this.#lines.return(undefined);
    for (const place of this.#waiting.slice(this.#head)) place.drop();
    this.#writer.close();
    if (this.#failure !== undefined) throw this.#failure.cause;
    if (whole) renameSync(this.#ownPath, this.#path);
    else await takeOver(this.#path, this.#ownPath);
  }

  #write(): void {
    for (; this.#waiting[this.#head]?.isSettled === true; this.#head += 1) {
      const line = this.#waiting[this.#head]?.line;
      if (line !== undefined && this.#failure === undefined) this.#add(line);
    }
    // Cut now and then: taking each one from the front would move all the others.
    if (this.#head < 1_000) return;
    this.#waiting = this.#waiting.slice(this.#head);
    this.#head = 0;
  }

  #add(line: DigestLine): void {
    try {
      this.#writer.add(line);
    } catch (cause) {
      this.#failure = { cause };
    }
  }
}

class Place implements DigestPlace {
  readonly #key: string;
  readonly #onSettled: () => void;
  line: DigestLine | undefined;
  isSettled = false;

  constructor(key: string, onSettled: () => void) {
    this.#key = key;
    this.#onSettled = onSettled;
  }

  keep(stats: FileStats, digest: string): void {
    if (this.isSettled) return;
    // Of a file that may be written to without a trace, nothing is known for later.
    if (stats.isSettled) this.line = { key: this.#key, fingerprint: stats.fingerprint, digest };
    this.drop();
  }

  drop(): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.#onSettled();
  }
}

/** Takes over what killed runs left of this folder, and removes what was not used for long. */
async function tidy(folder: string, name: string, nowMs: number): Promise<void> {
  for (const entry of readdirSync(folder)) {
    const [owner, pid] = entry.split(".");
    const path = join(folder, entry);
    if (pid === undefined || !isAlive(Number(pid))) {
      if (owner === name && pid !== undefined) await takeOver(join(folder, name), path);
      else if (isOlderThan(path, nowMs - MAX_AGE_MS)) rmSync(path, { force: true });
    }
  }
}

function isOlderThan(path: string, timeMs: number): boolean {
  const modifiedMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  return modifiedMs !== undefined && modifiedMs < timeMs;
}

/** Adds the lines of an unfinished file to those of the finished one, in place of older ones. */
async function takeOver(path: string, unfinished: string): Promise<void> {
  const merged = `${path}.${process.pid}.merged`;
  const writer = new DigestLineWriter(merged);
  try {
    for await (const { local, remote } of mergeTrees(readDigestLines(unfinished), readDigestLines(path))) {
      const line = local ?? remote;
      if (line !== undefined) writer.add(line);
    }
  } finally {
    writer.close();
  }
  renameSync(merged, path);
  rmSync(unfinished, { force: true });
}
