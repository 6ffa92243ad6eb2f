import type { KoboldError } from "@koboldfs/protocol";
import type { UploadPlace, UploadResource, UploadState } from "./upload-resource.js";

/** Where the rest of an upload goes. */
export interface RestTarget {
  readonly resource: UploadResource;
  readonly place: UploadPlace;
  /** What the server has. */
  readonly offset: number;
  /** Of the whole. */
  readonly sizeBytes: number;
}

export interface RestOptions {
  readonly signal: AbortSignal | undefined;
  /** The server may be silent so long when it has everything, before it answers. */
  readonly answerMs: number;
  /** The server may take nothing for so long. */
  readonly takeMs: number;
  /** Why the attempt before failed. */
  readonly previous: KoboldError | undefined;
  /** Told the place in the whole up to which bytes went out. */
  readonly onSent: (position: number) => void;
}

/** How the bytes of a resumable upload go out: all that are left in one request, or a piece of them. */
export interface UploadWay {
  /**
   * Sends from the offset on, once: to the end, or so far that it is worth asking the server. Throws an `AttemptFailure`
   * where it may be tried again, a `KoboldError` for what is wrong with the source, or the signal's reason.
   */
  send(target: RestTarget, options: RestOptions): Promise<UploadState>;
  /** Of the whole source, in hex; reads what was not read yet. */
  digest(): Promise<string>;
}
