import type { DeletedListReply, FileInfo, ListReply, VersionInfo, VersionListReply } from "@koboldfs/protocol";
import type { DeletedPage, KeyVersion, ListPage, VersionPage } from "../catalog/catalog.js";
import type { FileRecord } from "../model/change.js";

export function toListReply({ files, prefixes, next }: ListPage): ListReply {
  return { files: files.map(toFileInfo), prefixes: [...prefixes], ...(next !== undefined && { next }) };
}

export function toVersionListReply(key: string, { versions, next }: VersionPage): VersionListReply {
  return { key, versions: versions.map(toVersionInfo), ...(next !== undefined && { next }) };
}

function toVersionInfo(one: KeyVersion): VersionInfo {
  if (one.kind === "tombstone") return { version: one.version, modified: one.modified.toISOString(), deleted: true };
  const { key: _, ...info } = toFileInfo(one.file);
  return { ...info, deleted: false };
}

export function toDeletedListReply({ files, next }: DeletedPage): DeletedListReply {
  const deleted = files.map((file) => ({ ...toFileInfo(file), deleted: new Date(file.supersededMs).toISOString() }));
  return { files: deleted, ...(next !== undefined && { next }) };
}

export function toFileInfo(file: FileRecord): FileInfo {
  const { key, digest, sizeBytes, version, contentType, metadata, modified, expiresMs } = file;
  return {
    key,
    digest,
    size: sizeBytes,
    version,
    contentType,
    metadata: { ...metadata },
    modified: modified.toISOString(),
    ...(expiresMs !== undefined && { expires: new Date(expiresMs).toISOString() }),
  };
}
