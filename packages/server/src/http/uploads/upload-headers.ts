import type { IncomingHttpHeaders } from "node:http";
import { HEADER, KoboldError } from "@koboldfs/protocol";
import type { PieceChecksum } from "../../files/uploads/upload-request.js";

/** The request and response headers of tus 1.0.0, https://tus.io/protocols/resumable-upload. */

export const TUS_VERSION = "1.0.0";
export const TUS_EXTENSIONS = "creation,creation-with-upload,expiration,checksum,termination";
/** sha1 is what every tus server must know; sha256 is what one should use. */
export const TUS_ALGORITHMS = "sha1,sha256";

const PIECE_TYPE = "application/offset+octet-stream";
const DIGEST_BYTES: Readonly<Record<PieceChecksum["algorithm"], number>> = { sha1: 20, sha256: 32 };

/** Throws `tus_version_unsupported`. */
export function checkTusVersion(headers: IncomingHttpHeaders): void {
  const version = headers[HEADER.tusResumable];
  if (version === TUS_VERSION) return;
  throw new KoboldError(
    "tus_version_unsupported",
    version === undefined ? "the request has no Tus-Resumable header" : `tus ${String(version)} is not spoken here`,
  );
}

/** The size of a new upload. Throws `invalid_request`, `too_large`. */
export function parseUploadLength(headers: IncomingHttpHeaders): number {
  if (headers["upload-defer-length"] !== undefined) {
    throw new KoboldError("invalid_request", "the length of an upload must be known when it begins");
  }
  if (headers["upload-concat"] !== undefined) {
    throw new KoboldError("invalid_request", "uploads are not put together from others here");
  }
  return parseCount("Upload-Length", headers[HEADER.uploadLength]);
}

/** Throws `invalid_request`. */
export function parseUploadOffset(headers: IncomingHttpHeaders): number {
  return parseCount("Upload-Offset", headers[HEADER.uploadOffset]);
}

/** Throws `unsupported_media_type` for a piece that is not sent as one. */
export function checkPieceType(headers: IncomingHttpHeaders): void {
  if (headers["content-encoding"] === undefined && headers["content-type"] === PIECE_TYPE) return;
  throw new KoboldError("unsupported_media_type", `a piece of an upload has Content-Type: ${PIECE_TYPE}`);
}

/** `ALGORITHM BASE64`. Throws `invalid_request`. */
export function parseUploadChecksum(headers: IncomingHttpHeaders): PieceChecksum | undefined {
  const header = headers[HEADER.uploadChecksum];
  if (header === undefined) return undefined;
  const [algorithm = "", base64 = "", ...rest] = String(header).trim().split(/ +/);
  if (algorithm !== "sha1" && algorithm !== "sha256") {
    throw new KoboldError("invalid_request", `Upload-Checksum takes ${TUS_ALGORITHMS}, not ${algorithm.slice(0, 40)}`);
  }
  const bytes = Buffer.from(base64, "base64");
  if (rest.length > 0 || bytes.length !== DIGEST_BYTES[algorithm] || bytes.toString("base64") !== base64) {
    throw new KoboldError("invalid_request", `Upload-Checksum is not ${algorithm} and its digest in base64`);
  }
  return { algorithm, digest: bytes.toString("hex") };
}

function parseCount(name: string, header: string | string[] | undefined): number {
  if (header === undefined) throw new KoboldError("invalid_request", `${name} is missing`);
  const text = String(header);
  if (!/^\d{1,20}$/.test(text)) throw new KoboldError("invalid_request", `${name} is not a number of bytes`);
  const count = Number(text);
  if (count > Number.MAX_SAFE_INTEGER) throw new KoboldError("too_large", `${text} bytes cannot be counted`);
  return count;
}
