import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { basename } from "node:path";
import { KoboldError } from "@koboldfs/protocol";
import type { Sink } from "../transfer/sink.js";

/**
 * Writes into a device or a named pipe that stands there. It takes what it is given at once and for good, so there is
 * no part to rename and no way back to the beginning.
 */
export class DeviceSink implements Sink {
  readonly #path: string;
  #device: FileHandle | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#guard(async (device) => {
      for (let written = 0; written < bytes.length; ) {
        written += (await device.write(bytes, written)).bytesWritten;
      }
    });
  }

  async finish(): Promise<void> {
    await this.#guard((device) => device.close());
    this.#device = undefined;
  }

  async abandon(): Promise<void> {
    const device = this.#device;
    this.#device = undefined;
    // The failure that led here is the one to tell.
    await device?.close().catch(() => undefined);
  }

  async #guard(work: (device: FileHandle) => Promise<void>): Promise<void> {
    try {
      this.#device ??= await open(this.#path, constants.O_WRONLY);
      await work(this.#device);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new KoboldError("target_unwritable", `cannot write ${JSON.stringify(basename(this.#path))}: ${reason}`, {
        cause,
      });
    }
  }
}
