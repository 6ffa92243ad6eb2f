import { KoboldError } from "@koboldfs/protocol";
import type { Clock } from "../../runtime/clock.js";
import type { Logger } from "../../runtime/logger.js";
import { errnoOf } from "./disk-error.js";

/** Why a volume is out, what to do, and when it may come back. */
export interface VolumeTrouble {
  readonly reason: string;
  readonly hint: string;
  /** `itself`: as soon as it can be read and written again. `restart`: when somebody looked at it and restarted the node. */
  readonly returnsBy: "itself" | "restart";
}

const LOOK_AT_DISK = "Check the disk and its file system (dmesg, smartctl)";
const HINTS: Readonly<Record<VolumeTrouble["returnsBy"], string>> = {
  itself: `${LOOK_AT_DISK} and that it is mounted; the volume comes back by itself when it can be read and written.`,
  restart: `${LOOK_AT_DISK}, then restart this node.`,
};

/** The device itself is gone or refuses: one such answer is enough. EIO may be one bad sector among a billion. */
const GONE = new Set(["ENXIO", "ENODEV", "ESTALE", "ENOTCONN", "ESHUTDOWN", "EROFS"]);
/** So many failed reads within a minute are no bad sector any more. */
const MANY_FAILED_READS = 16;
const FAILED_READS_MS = 60_000;

/**
 * Whether a volume takes part. One that is out takes no writes, and what lies on it does not count as being here: the
 * node goes on with its other volumes and fetches it again. Reads of it go on as a last resort; they are verified.
 */
export class VolumeHealth {
  readonly #path: string;
  readonly #logger: Logger;
  readonly #clock: Clock;
  #trouble: VolumeTrouble | undefined;
  #cause: unknown;
  /** Monotonic times. */
  #failedReads: number[] = [];
  #onOut: () => void = () => {};

  constructor(path: string, { logger, clock }: { logger: Logger; clock: Clock }) {
    this.#path = path;
    this.#logger = logger;
    this.#clock = clock;
  }

  get isSuspect(): boolean {
    return this.#trouble !== undefined;
  }

  get trouble(): VolumeTrouble | undefined {
    return this.#trouble;
  }

  /** For one listener: who has its blobs fetched again. */
  watch(onOut: () => void): void {
    this.#onOut = onOut;
  }

  /**
   * A failed fsync: the kernel may have dropped what it could not write and marked it clean, so nothing that the volume
   * says about new bytes can be believed until someone looked at it.
   */
  suspect(cause: unknown): void {
    this.#takeOut({ reason: textOf(cause), returnsBy: "restart" }, cause);
  }

  /** The device or its file system refuses, or is not there. */
  lose(cause: unknown): void {
    this.#takeOut({ reason: textOf(cause), returnsBy: "itself" }, cause);
  }

  /** Its bytes cannot be believed. */
  distrust(reason: string): void {
    this.#takeOut({ reason, returnsBy: "restart" }, undefined);
  }

  /** A read failed that was none of our making. */
  failedRead(cause: unknown): void {
    if (GONE.has(errnoOf(cause) ?? "")) return this.lose(cause);
    const now = this.#clock.monotonic();
    this.#failedReads = [...this.#failedReads.filter((at) => now - at < FAILED_READS_MS), now];
    if (this.#failedReads.length >= MANY_FAILED_READS) this.lose(cause);
  }

  /** It was found to work again. */
  readmit(): void {
    this.#trouble = undefined;
    this.#cause = undefined;
    this.#failedReads = [];
    this.#logger.info({ event: "volume_back", volume: this.#path }, "the volume can be read and written again");
  }

  /** Throws `disk_failed` when the volume is out. */
  checkWritable(): void {
    if (!this.isSuspect) return;
    throw new KoboldError("disk_failed", `${this.#path} failed earlier and takes no writes`, { cause: this.#cause });
  }

  #takeOut({ reason, returnsBy }: Omit<VolumeTrouble, "hint">, cause: unknown): void {
    // What is out and comes back by itself may turn out to need more than that, never less.
    if (this.#trouble !== undefined && (returnsBy === "itself" || this.#trouble.returnsBy === "restart")) return;
    const isNews = this.#trouble === undefined;
    this.#trouble = { reason, hint: HINTS[returnsBy], returnsBy };
    this.#cause = cause;
    const fields = { event: "volume_suspect", volume: this.#path, err: cause, reason, hint: HINTS[returnsBy] };
    this.#logger.error(fields, "the volume is taken out; its blobs are fetched again onto the other volumes");
    if (isNews) this.#onOut();
  }
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
