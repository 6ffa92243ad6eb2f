export { BUNDLE_TYPE, MAX_BUNDLE_BYTES, MAX_BUNDLE_FILES, MAX_BUNDLED_FILE_BYTES } from "./bundle.js";
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
  BeginRequest,
  FinishRequest,
  StagedInfo,
  TransactionCounts,
  TransactionInfo,
  TransactionListReply,
  TransactionReply,
  TransactionState,
} from "./transaction-wire.js";
export type {
  BatchOperation,
  BatchReply,
  BatchResult,
  BundledName,
  BundleRefusal,
  BundleRequest,
  DeletedFileInfo,
  DeletedListReply,
  DirectUrlReply,
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
export type {
  NodeUpkeep,
  RepairInfo,
  ScrubFindingInfo,
  ScrubFindingName,
  ScrubFindings,
  ScrubInfo,
  ScrubPassInfo,
  ScrubReply,
  ScrubRequest,
  VolumeInfo,
  VolumeState,
} from "./upkeep-wire.js";
export type {
  ChangeInfo,
  ChangePosition,
  WebhookInfo,
  WebhookListReply,
  WebhookMessage,
  WebhookRequest,
  WebhookSecret,
} from "./changes-wire.js";
