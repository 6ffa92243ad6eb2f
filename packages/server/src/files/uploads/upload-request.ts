import type { UploadIntent } from "../../model/upload.js";

export interface UploadCreation {
  readonly intent: UploadIntent;
  /** The Upload-Metadata header as it came. */
  readonly announced: string;
  /** Of the whole file. */
  readonly sizeBytes: number;
}

/** What a piece must be, in hex. */
export interface PieceChecksum {
  readonly algorithm: "sha1" | "sha256";
  readonly digest: string;
}

/** One piece of an upload. */
export interface UploadPiece {
  /** Where it belongs; anything but the upload's offset is refused. */
  readonly offset: number;
  /** Read once, to its end unless the piece is refused before. */
  readonly body: AsyncIterable<Uint8Array>;
  /** As announced. */
  readonly sizeBytes?: number;
  /** With one, the piece counts as a whole or not at all. */
  readonly checksum?: PieceChecksum;
  /** Fired when what follows the piece shows that it was not what its sender meant. */
  readonly signal?: AbortSignal;
}
