import { HEADER, KoboldError, type UploadInfo } from "@koboldfs/protocol";
import type { UploadOutcome, UploadRecord } from "../../model/upload.js";
import { formatFileUrl } from "../file-url.js";
import { problemOf } from "../problem.js";

export type UploadHeaders = Record<string, string | number>;

/** How far the upload is, and once its file is named, what a put would have answered. */
export function uploadHeaders(record: UploadRecord): UploadHeaders {
  return {
    "Upload-Offset": record.offset,
    "Upload-Expires": new Date(record.expiresMs).toUTCString(),
    ...outcomeHeaders(record),
  };
}

function outcomeHeaders({ outcome, intent }: UploadRecord): UploadHeaders {
  if (outcome === undefined || !("reply" in outcome)) return {};
  const { digest, version, copies, wanted } = outcome.reply;
  return {
    ETag: `"${digest}"`,
    "Content-Location": formatFileUrl(intent),
    [HEADER.version]: version,
    [HEADER.copies]: copies,
    [HEADER.wanted]: wanted,
  };
}

export function toUploadInfo(record: UploadRecord): UploadInfo {
  const { namespace, key } = record.intent;
  return {
    ...{ namespace, key, size: record.sizeBytes, offset: record.offset },
    expires: new Date(record.expiresMs).toISOString(),
    ...infoOfOutcome(record.outcome),
  };
}

function infoOfOutcome(outcome: UploadOutcome | undefined): Pick<UploadInfo, "reply" | "error"> {
  if (outcome === undefined) return {};
  if ("reply" in outcome) return { reply: outcome.reply };
  const { code, message } = outcome.failure;
  return { error: problemOf(new KoboldError(code, message)) };
}
