import type { FileStat, FileSystem, FileSystemRoom, OpenFile, OpenMode } from "./file-system.js";

/** The calls of a FileSystem and of its open files; those of a file carry its path. */
export type FileCall =
  | "open"
  | "rename"
  | "unlink"
  | "mkdir"
  | "syncFolder"
  | "readdir"
  | "stat"
  | "statfs"
  | "write"
  | "read"
  | "fstat"
  | "truncate"
  | "syncData"
  | "close";

export interface RecordedCall {
  readonly call: FileCall;
  readonly path: string;
  /** Where a rename goes. */
  readonly to?: string;
}

export interface FaultPlan {
  /** Counts from 1 over the calls that `matches`; this one fails, once. */
  readonly failAt: number;
  /** `EIO`, `ENOSPC`, `EROFS`, … */
  readonly errno: string;
  /** Which calls count; all by default. */
  readonly matches?: (call: RecordedCall) => boolean;
}

/**
 * A file system for tests, in the manner of SQLite's: it fails the Nth call with an errno of the test's choice, so
 * that a loop over N meets every place where the world can fail. It records every call in order.
 */
export class FaultyFileSystem implements FileSystem {
  readonly calls: RecordedCall[] = [];
  readonly #inner: FileSystem;
  #plan: FaultPlan | undefined;
  #counted = 0;
  #failedCall: RecordedCall | undefined;

  constructor(inner: FileSystem) {
    this.#inner = inner;
  }

  /** Forgets what was recorded and arms the next failure; undefined lets everything pass. */
  arm(plan: FaultPlan | undefined): void {
    this.#plan = plan;
    this.#counted = 0;
    this.#failedCall = undefined;
    this.calls.length = 0;
  }

  /** Whether the armed failure happened: the loop over N ends when it did not. */
  get failed(): boolean {
    return this.#failedCall !== undefined;
  }

  get failedCall(): RecordedCall | undefined {
    return this.#failedCall;
  }

  async open(path: string, mode: OpenMode): Promise<OpenFile> {
    this.#meet({ call: "open", path });
    return this.#wrap(path, await this.#inner.open(path, mode));
  }

  async rename(from: string, to: string): Promise<void> {
    this.#meet({ call: "rename", path: from, to });
    await this.#inner.rename(from, to);
  }

  async unlink(path: string): Promise<void> {
    this.#meet({ call: "unlink", path });
    await this.#inner.unlink(path);
  }

  async mkdir(path: string): Promise<void> {
    this.#meet({ call: "mkdir", path });
    await this.#inner.mkdir(path);
  }

  async syncFolder(path: string): Promise<void> {
    this.#meet({ call: "syncFolder", path });
    await this.#inner.syncFolder(path);
  }

  async readdir(path: string): Promise<string[]> {
    this.#meet({ call: "readdir", path });
    return this.#inner.readdir(path);
  }

  async findStat(path: string): Promise<FileStat | undefined> {
    this.#meet({ call: "stat", path });
    return this.#inner.findStat(path);
  }

  async statfs(path: string): Promise<FileSystemRoom> {
    this.#meet({ call: "statfs", path });
    return this.#inner.statfs(path);
  }

  #wrap(path: string, file: OpenFile): OpenFile {
    const meet = (call: FileCall) => this.#meet({ call, path });
    return {
      write: async (chunks) => {
        meet("write");
        await file.write(chunks);
      },
      read: async (target, position) => {
        meet("read");
        return file.read(target, position);
      },
      stat: async () => {
        meet("fstat");
        return file.stat();
      },
      truncate: async (sizeBytes) => {
        meet("truncate");
        await file.truncate(sizeBytes);
      },
      syncData: async () => {
        meet("syncData");
        await file.syncData();
      },
      close: async () => {
        // The descriptor is gone after close(2) whatever it answers: a failed one must not leak it in the test either.
        await file.close();
        meet("close");
      },
    };
  }

  #meet(call: RecordedCall): void {
    this.calls.push(call);
    const plan = this.#plan;
    if (plan === undefined || this.failed) return;
    if (plan.matches !== undefined && !plan.matches(call)) return;
    this.#counted += 1;
    if (this.#counted !== plan.failAt) return;
    this.#failedCall = call;
    const message = `${plan.errno}: injected into ${call.call} of ${call.path}`;
    throw Object.assign(new Error(message), { code: plan.errno, syscall: call.call, path: call.path });
  }
}
