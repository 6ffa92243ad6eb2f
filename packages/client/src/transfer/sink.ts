import { KoboldError } from "@koboldfs/protocol";

/** Where the bytes of a get go. */
export interface Sink {
  /** Resolves when more may come. */
  write(bytes: Uint8Array): Promise<void> | undefined;
  /** Forgets what was written, so that the file can come again from its beginning; absent where that is impossible. */
  restart?(): Promise<void>;
  /** The file is complete and right. */
  finish(): Promise<void>;
  /** It is not, and will not be. Never throws. */
  abandon(): Promise<void>;
}

export function brokenStream(cause: unknown): KoboldError {
  return new KoboldError("target_unwritable", "the stream that the file goes to is closed or failed", { cause });
}
