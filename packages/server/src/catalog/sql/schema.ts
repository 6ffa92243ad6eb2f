import type { ColumnType } from "kysely";

/** How the drivers give values back: each its own way. `column-values.ts` makes one way of them. */
export type SqlText = string | Uint8Array;
export type SqlInteger = number | bigint | string;

type Text = ColumnType<SqlText, string, string>;
type OptionalText = ColumnType<SqlText | null, string | null, string | null>;
type Integer = ColumnType<SqlInteger, number, number>;
type BigInteger = ColumnType<SqlInteger, bigint, bigint>;
type OptionalInteger = ColumnType<SqlInteger | null, number | null, number | null>;
type Bytes = ColumnType<Uint8Array, Uint8Array, Uint8Array>;
type OptionalBytes = ColumnType<Uint8Array | null, Uint8Array | null, Uint8Array | null>;

/** One row with id 1: who writes it holds the journal's lock. */
export interface ClusterTable {
  id: Integer;
  cluster_id: Text;
  head_number: Integer;
  head_hash: Bytes;
  /** Time of the last group. */
  time_ms: Integer;
  /** Counted up by each commit first of all. A write that changes nothing is no lock on Galera. */
  lock_count: Integer;
}

/** What queries need of each entry; the whole of it is in its group's bytes. */
export interface JournalTable {
  number: Integer;
  group_last: Integer;
  kind: Text;
  namespace: OptionalText;
  key: OptionalText;
  digest: OptionalBytes;
  size_bytes: OptionalInteger;
}

export interface JournalGroupsTable {
  last: Integer;
  first: Integer;
  hash: Bytes;
  bytes: Bytes;
  /** Null for groups that were written before reads as of a time; their horizon has passed. */
  time_ms: OptionalInteger;
}

export interface FilesTable {
  namespace: Text;
  key: Text;
  number: Integer;
  digest: Bytes;
  size_bytes: Integer;
  content_type: Text;
  /** JSON object. */
  metadata: Text;
  modified_ms: Integer;
  expires_ms: OptionalInteger;
}

/** Former content of keys: what `files` held before a put, a delete or a purge, until the horizon has passed that. */
export interface VersionsTable extends FilesTable {
  /** Journal number of the change that ended it, and its time. */
  superseded_by: Integer;
  superseded_ms: Integer;
}

/** Blobs that a node was told to unlink, and when it had done so. */
export interface PurgesTable {
  node: Text;
  namespace: Text;
  digest: Bytes;
  number: Integer;
  done_ms: OptionalInteger;
}

/** Groups (`g:` ids) and idempotency keys (`k:` ids) with what came of them. A group without an outcome is void. */
export interface CommitsTable {
  id: Text;
  fingerprint: Text;
  /** JSON: `PlainOutcome[]` of a group, one `PlainOutcome` of an idempotency key. */
  outcome: OptionalText;
  time_ms: Integer;
}

export interface NamespacesTable {
  name: Text;
  min_copies: Integer;
  url_template: OptionalText;
  files: Integer;
  bytes: BigInteger;
  created_ms: Integer;
  retention_ms: OptionalInteger;
  expire_after_ms: OptionalInteger;
  max_files: OptionalInteger;
  max_bytes: OptionalInteger;
  /** Null only in the midst of the migration that made it. */
  horizon: OptionalInteger;
}

export interface NodesTable {
  id: Text;
  name: Text;
  url: Text;
  zone: Text;
  state: Text;
  /** JSON list of volume ids. */
  volumes: Text;
  joined_at: Integer;
  backfill_position: Integer;
  heartbeat_ms: Integer;
  free_bytes: Integer;
  total_bytes: Integer;
}

export interface DebtsTable {
  node: Text;
  namespace: Text;
  digest: Bytes;
  size_bytes: Integer;
  copies: Integer;
  number: Integer;
}

/** Who is told of changes; where each is stands outside of the journal. */
export interface WebhooksTable {
  id: Text;
  url: Text;
  /** Null: the whole cluster. */
  namespace: OptionalText;
  prefix: Text;
  position: Integer;
  failures: Integer;
  error: OptionalText;
  delivered_ms: OptionalInteger;
}

export interface LeasesTable {
  name: Text;
  holder: Text;
  until_ms: Integer;
}

/** Each time that the catalog was completed from a mirror, or one was promoted: older copies of it are known by it. */
export interface EpochsTable {
  epoch: Integer;
  /** The head when the epoch began. */
  number: Integer;
  hash: Bytes;
  time_ms: Integer;
}

/** Unfinished transactions, and for 30 days what came of the others. */
export interface TransactionsTable {
  id: Text;
  owner: Text;
  state: Text;
  begun_ms: Integer;
  ttl_ms: Integer;
  expires_ms: Integer;
  number: OptionalInteger;
  prepared_ms: OptionalInteger;
  finished_ms: OptionalInteger;
  reason: OptionalText;
  changes: Integer;
  staged_bytes: Integer;
  steps: Integer;
  entry_bytes: Integer;
  /** JSON object: the staged bytes of each namespace. */
  by_namespace: Text;
  /** JSON object: files and bytes that each namespace keeps free for it; null unless it is prepared and makes one larger. */
  reserved: OptionalText;
}

/** What unfinished transactions would make of keys; see `StagedChange`. */
export interface StagedTable {
  transaction_id: Text;
  namespace: Text;
  key: Text;
  kind: Text;
  digest: OptionalBytes;
  size_bytes: OptionalInteger;
  content_type: OptionalText;
  /** JSON object. */
  metadata: OptionalText;
  /** JSON: `Expiry`. */
  expires: OptionalText;
  min_copies: OptionalInteger;
  /** JSON list of node ids. */
  placed_on: Text;
  staged_at: Integer;
  seen: OptionalInteger;
}

/** Keys that prepared transactions hold, whether there is such a file or not. */
export interface LocksTable {
  namespace: Text;
  key: Text;
  transaction_id: Text;
}

export interface MigrationsTable {
  number: Integer;
  applied_ms: Integer;
}

export interface CatalogTables {
  cluster: ClusterTable;
  journal: JournalTable;
  journal_groups: JournalGroupsTable;
  files: FilesTable;
  versions: VersionsTable;
  purges: PurgesTable;
  webhooks: WebhooksTable;
  commits: CommitsTable;
  namespaces: NamespacesTable;
  nodes: NodesTable;
  debts: DebtsTable;
  leases: LeasesTable;
  epochs: EpochsTable;
  transactions: TransactionsTable;
  staged: StagedTable;
  locks: LocksTable;
  migrations: MigrationsTable;
}
