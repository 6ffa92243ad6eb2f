export { KoboldError } from "@koboldfs/protocol";
export type {
  BatchOperation,
  BatchResult,
  ErrorCode,
  FileInfo,
  NamespaceInfo,
  NamespacePolicy,
  NodeInfo,
  NodeOrder,
  NodeOrderRequest,
  NodePlan,
  PutReply,
  SoleBlob,
  StatusReply,
} from "@koboldfs/protocol";
export type {
  CallOptions,
  ClientOptions,
  CopyOptions,
  DeleteOptions,
  GetBytesOptions,
  GetOptions,
  ListOptions,
  OpenedFile,
  PrefixEntry,
  PutOptions,
} from "./client-options.js";
export { compareKeys } from "./lister.js";
export type { NamespaceClient } from "./namespace-client.js";
export { Client } from "./node/client.js";
export { ClientPool } from "./node/client-pool.js";
export { findPartOwner, formatPartName, isPartName } from "./node/file-sink.js";
export type { ByteRange } from "./transfer/download.js";
export type { PutSource } from "./transfer/put-source.js";
export type { UploadMemory } from "./transfer/upload-memory.js";
