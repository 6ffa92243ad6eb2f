import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { atExit } from "./at-exit.js";

/** A file system in memory that is mounted where a test wants it, taken away, and put back with what it held. */
export class SmallMount {
  /** Where a program finds it while it is mounted. */
  readonly path: string;
  /** Why there is none on this machine. */
  readonly whyNot: string | undefined;
  readonly #store: string;
  readonly #forget: () => void;

  /** `sizeBytes` is what it claims to hold; memory is taken by what is written only. */
  constructor(folder: string, sizeBytes: number) {
    this.path = join(folder, "mount");
    this.#store = join(folder, "store");
    for (const one of [this.path, this.#store]) mkdirSync(one, { recursive: true });
    this.whyNot = attempt("mount", "-t", "tmpfs", "-o", `size=${sizeBytes}`, "koboldfs-test", this.#store);
    this.#forget = atExit(() => this.remove());
    if (this.whyNot === undefined) this.mount();
  }

  mount(): void {
    run("mount", "--bind", this.#store, this.path);
  }

  /** As when the disk is gone: open files live on, and the path is an empty folder. */
  unmount(): void {
    run("umount", "--lazy", this.path);
  }

  /** Programs that have files open for writing keep them; whatever they open by path from now on meets EROFS. */
  setReadonly(isReadonly: boolean): void {
    this.unmount();
    this.mount();
    if (isReadonly) run("mount", "-o", "remount,bind,ro", this.path);
  }

  /** Idempotent. */
  remove(): void {
    this.#forget();
    if (this.whyNot !== undefined) return;
    attempt("umount", "--lazy", this.path);
    attempt("umount", "--lazy", this.#store);
  }
}

function run(program: string, ...args: string[]): void {
  execFileSync(program, args, { stdio: "pipe" });
}

function attempt(program: string, ...args: string[]): string | undefined {
  try {
    run(program, ...args);
    return undefined;
  } catch (error) {
    return `no right to ${program}: ${String(error).split("\n")[0]}`;
  }
}
