/** What every entry point of this package exports, whatever it runs on. */
export { KoboldError } from "@koboldfs/protocol";
export type {
  BatchOperation,
  BatchResult,
  ChangeInfo,
  DeletedFileInfo,
  ErrorCode,
  ErrorRule,
  FileInfo,
  NamespaceInfo,
  NamespacePolicy,
  NodeInfo,
  NodeOrder,
  NodeOrderRequest,
  NodePlan,
  NodeStateName,
  Problem,
  PurgeReply,
  PutReply,
  RestoreReply,
  ScrubFindingInfo,
  ScrubFindings,
  ScrubInfo,
  ScrubPassInfo,
  ScrubReply,
  ScrubRequest,
  SoleBlob,
  StagedInfo,
  StatusReply,
  TransactionCounts,
  TransactionInfo,
  TransactionReply,
  TransactionState,
  VersionInfo,
  WebhookInfo,
  WebhookMessage,
  WebhookRequest,
  WebhookSecret,
} from "@koboldfs/protocol";
export type { GetManyResult } from "./bundle-reader.js";
export type {
  BeginOptions,
  CallOptions,
  ChangesOptions,
  ClientOptions,
  CopyOptions,
  DeleteOptions,
  FinishOptions,
  GetBytesOptions,
  GetOptions,
  ListOptions,
  OpenedFile,
  Consistency,
  PastOptions,
  PrefixEntry,
  PutOptions,
  TransactionListOptions,
  TransactionOptions,
  UrlOptions,
} from "./client-options.js";
export type { ClusterClient } from "./cluster-client.js";
export type { HistoryClient } from "./history-client.js";
export { compareKeys } from "./lister.js";
export type { NamespaceClient } from "./namespace-client.js";
export type { NamespaceTransaction } from "./transactions/namespace-transaction.js";
export type { Transaction } from "./transactions/transaction.js";
export type { TransactionStep } from "./transactions/transaction-face.js";
export type { ByteRange } from "./transfer/download.js";
export type { GetTarget, WritableLike } from "./transfer/get-target.js";
export type { PutSource } from "./transfer/put-source.js";
export type { UploadMemory } from "./transfer/upload-memory.js";
export type { SessionPool } from "./session-pool.js";
