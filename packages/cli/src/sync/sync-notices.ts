import { type ErrorCode, KoboldError } from "@koboldfs/protocol";

/** Something that the run tells about one file. */
export interface Notice {
  /** The key, without the prefix; empty for the run as a whole. */
  readonly key: string;
  readonly level: "failed" | "ignored" | "warning";
  readonly message: string;
  readonly code?: ErrorCode;
}

/** Counts and passes on what did not go as for other files. The run goes on. */
export class SyncNotices {
  failed = 0;
  ignored = 0;
  readonly #tell: (notice: Notice) => void;

  constructor(tell: (notice: Notice) => void) {
    this.#tell = tell;
  }

  /** The file should have been transferred and was not: the run as a whole fails. */
  fail(key: string, cause: unknown): void {
    this.failed += 1;
    const message = cause instanceof Error ? cause.message : String(cause);
    const code = cause instanceof KoboldError ? { code: cause.code } : {};
    this.#tell({ key, level: "failed", message, ...code });
  }

  /** The file is passed over for a good reason. */
  ignore(key: string, message: string): void {
    this.ignored += 1;
    this.#tell({ key, level: "ignored", message });
  }

  /** The run does what it should, but not as it should. */
  warn(message: string): void {
    this.#tell({ key: "", level: "warning", message });
  }
}
