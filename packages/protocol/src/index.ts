export { type Digest, isDigest, parseDigest } from "./digest.js";
export { KoboldError } from "./error.js";
export { ERROR_TABLE, type ErrorCode, type ErrorRule, isErrorCode } from "./error-table.js";
export { HEADER } from "./headers.js";
export { formatMetadataHeaders, MAX_METADATA_BYTES, parseMetadataHeaders } from "./metadata-headers.js";
export {
  type FileKey,
  MAX_KEY_BYTES,
  type NamespaceName,
  type NodeId,
  type NodeName,
  parseFileKey,
  parseNamespaceName,
  parseNodeName,
} from "./names.js";
export type {
  BatchOperation,
  BatchReply,
  BatchResult,
  DeletedFileInfo,
  DeletedListReply,
  FileInfo,
  HistoryEvent,
  ListReply,
  MirrorInfo,
  NamespaceInfo,
  NamespaceListReply,
  NamespacePolicy,
  NodeInfo,
  NodeListReply,
  NodeOrder,
  NodeOrderRequest,
  NodePlan,
  NodeStateName,
  Problem,
  PurgeReply,
  PutReply,
  RestoreReply,
  RestoreRequest,
  SoleBlob,
  SoleBlobsReply,
  StatusReply,
  UploadInfo,
  VersionInfo,
  VersionListReply,
} from "./wire.js";
