import { parseDigest, parseFileKey, parseNamespaceName } from "@koboldfs/protocol";
import { isUploadId, type UploadRecord } from "../../../model/upload.js";

/** The layout of a record that this code reads and writes. */
const FORMAT = 1;

/** `<volume>/uploads/<id>.json`. */
export function formatUploadRecord(record: UploadRecord): string {
  return `${JSON.stringify({ format: FORMAT, ...record })}\n`;
}

/** Undefined when the text is no record of this format. What becomes a path or a row is parsed as at the door. */
export function findUploadRecord(text: string): UploadRecord | undefined {
  try {
    const { format, ...record } = JSON.parse(text) as UploadRecord & { format: unknown };
    const counts = [record.sizeBytes, record.offset, record.crc, record.expiresMs];
    if (format !== FORMAT || !isUploadId(record.id) || !counts.every(isCount)) return undefined;
    if (record.offset > record.sizeBytes || typeof record.announced !== "string") return undefined;
    const { namespace, key, digest } = record.intent;
    parseNamespaceName(namespace);
    parseFileKey(key);
    if (digest !== undefined) parseDigest(digest);
    return record;
  } catch {
    // Not JSON, or not what we write: whoever wrote it, it is no upload that could go on.
    return undefined;
  }
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
