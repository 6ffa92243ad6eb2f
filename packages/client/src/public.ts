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
  CoupledOptions,
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
export { beginByCallback, type CallbackTransaction } from "./databases/callback-transaction.js";
export type {
  AdapterOptions,
  DatabaseAdapter,
  DatabaseTransaction,
  SqlDialect,
  SqlRow,
  SqlValue,
} from "./databases/database-adapter.js";
export { formatDecisionsTable } from "./databases/dialect-sql.js";
export { createMysqlAdapter, type MysqlConnection, type MysqlPool } from "./databases/mysql-adapter.js";
export { createPgAdapter, type PgClient, type PgPool } from "./databases/pg-adapter.js";
export {
  createPostgresAdapter,
  type PostgresSql,
  type PostgresTransaction,
} from "./databases/postgres-adapter.js";
export type { RecoverOptions, RecoveryReport } from "./databases/recover-transactions.js";
export type { RecoveryOptions, RecoveryTimer } from "./databases/recovery-timer.js";
export type { CoupledWork } from "./databases/run-coupled.js";
export { createSqliteAdapter, type SqliteDatabase } from "./databases/sqlite-adapter.js";
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
