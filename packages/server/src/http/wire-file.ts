import type { FileInfo, ListReply } from "@koboldfs/protocol";
import type { ListPage } from "../catalog/catalog.js";
import type { FileRecord } from "../model/change.js";

export function toListReply({ files, prefixes, next }: ListPage): ListReply {
  return { files: files.map(toFileInfo), prefixes: [...prefixes], ...(next !== undefined && { next }) };
}

function toFileInfo({ key, digest, sizeBytes, version, contentType, metadata, modified }: FileRecord): FileInfo {
  return {
    key,
    digest,
    size: sizeBytes,
    version,
    contentType,
    metadata: { ...metadata },
    modified: modified.toISOString(),
  };
}
