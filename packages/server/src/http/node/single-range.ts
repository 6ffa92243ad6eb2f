import { KoboldError } from "@koboldfs/protocol";
import type { ByteRange } from "../../blobs/blob-store.js";

const PATTERN = /^bytes=(\d{1,16})-(\d{1,16})$/;

/**
 * The only form of Range that nodes use among each other: `bytes=FIRST-LAST`. Throws `invalid_request` for any other;
 * whether the range lies inside the blob is the store's to say.
 */
export function parseSingleRange(header: string | undefined): ByteRange | undefined {
  if (header === undefined) return undefined;
  const match = PATTERN.exec(header);
  if (match === null) throw new KoboldError("invalid_request", "between nodes a range is bytes=FIRST-LAST");
  return { start: Number(match[1]), end: Number(match[2]) + 1 };
}
