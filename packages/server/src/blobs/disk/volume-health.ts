import { KoboldError } from "@koboldfs/protocol";
import type { Logger } from "../../runtime/logger.js";

const HINT = "Check the disk and its file system (dmesg, smartctl), then restart this node.";

/**
 * Whether a volume may still be written. After a failed fsync the kernel may have dropped what it could not write and
 * marked it clean, so nothing that the volume says about new bytes can be believed until someone looked at it: it takes
 * no writes until it is opened anew. Reads go on; they are verified.
 */
export class VolumeHealth {
  readonly #path: string;
  readonly #logger: Logger;
  #suspectedBy: unknown;

  constructor(path: string, logger: Logger) {
    this.#path = path;
    this.#logger = logger;
  }

  get isSuspect(): boolean {
    return this.#suspectedBy !== undefined;
  }

  /** Why the volume takes no writes, and what to do; undefined while it does. */
  get trouble(): { readonly reason: string; readonly hint: string } | undefined {
    if (!this.isSuspect) return undefined;
    const cause = this.#suspectedBy;
    return { reason: cause instanceof Error ? cause.message : String(cause), hint: HINT };
  }

  suspect(cause: unknown): void {
    if (this.isSuspect) return;
    this.#suspectedBy = cause;
    this.#logger.error(
      { event: "volume_suspect", volume: this.#path, err: cause },
      "the volume failed and takes no writes until the server is restarted; check the disk",
    );
  }

  /** Throws `disk_failed` when the volume is suspect. */
  checkWritable(): void {
    if (!this.isSuspect) return;
    throw new KoboldError("disk_failed", `${this.#path} failed earlier and takes no writes`, {
      cause: this.#suspectedBy,
    });
  }
}
