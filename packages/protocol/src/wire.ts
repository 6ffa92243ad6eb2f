import type { WebhookInfo } from "./changes-wire.js";
import type { NodeUpkeep } from "./upkeep-wire.js";
import type { TransactionCounts } from "./transaction-wire.js";

/** JSON bodies of the native face. Sizes are bytes as JSON numbers; times are RFC 3339 in UTC with milliseconds. */

export interface PutReply {
  digest: string;
  size: number;
  /** The journal number of this version; 0 when it is staged in a transaction, which numbers it when it commits. */
  version: number;
  /** Nodes that had the bytes fsynced when the name was committed. */
  copies: number;
  /** Nodes that shall have them: every node of the cluster, and never less than `ack_copies`. */
  wanted: number;
  /** When it is staged: how many changes its transaction has accepted with it. */
  steps?: number;
}

/** A resumable upload as the node that has it sees it. */
export interface UploadInfo {
  namespace: string;
  key: string;
  /** Bytes of the whole file. */
  size: number;
  /** Bytes that are durable. */
  offset: number;
  /** When it is forgotten unless more arrives. */
  expires: string;
  /** Once the file is named. */
  reply?: PutReply;
  /** Once the file was refused. */
  error?: Problem;
}

export interface FileInfo {
  key: string;
  digest: string;
  size: number;
  version: number;
  contentType: string;
  metadata: Record<string, string>;
  modified: string;
  /** From this time on the key reads as absent. Absent: it never expires. */
  expires?: string;
}

/** One state of a key: content, or (with `deleted`) the moment from which on it named nothing. */
export interface VersionInfo {
  version: number;
  /** When it became current. */
  modified: string;
  deleted: boolean;
  /** Of content only, as in `FileInfo`. */
  digest?: string;
  size?: number;
  contentType?: string;
  metadata?: Record<string, string>;
  expires?: string;
}

/** The versions of a key that can still be read, the newest first. */
export interface VersionListReply {
  key: string;
  versions: VersionInfo[];
  /** Give it as `before` to get the next page; absent on the last one. */
  next?: number;
}

/** A key that was deleted and can be undeleted: the content that it named last. */
export interface DeletedFileInfo extends FileInfo {
  /** When it was deleted. */
  deleted: string;
}

export interface DeletedListReply {
  files: DeletedFileInfo[];
  /** Give it as `after` to get the next page; absent on the last one. */
  next?: string;
}

export interface RestoreRequest {
  /** Every key that begins so; empty: all of the namespace. */
  prefix: string;
  /** A journal number or an RFC 3339 time, as in `?as-of=`. */
  asOf: string;
}

export interface RestoreReply {
  /** Journal number of the last change; the head when nothing had to be changed. */
  version: number;
  /** Keys that have older content again, and keys that name nothing again. */
  restored: number;
  removed: number;
}

export interface PurgeReply {
  /** Versions that are gone. */
  purged: number;
  /** Nodes that have not said yet that the bytes are gone from their disks, by name; those that are away among them. */
  pending: string[];
}

export interface ListReply {
  files: FileInfo[];
  /** With a delimiter: the distinct beginnings, each ending in the delimiter, that stand for the keys under them. */
  prefixes: string[];
  /** Give it as `after` to get the next page; absent on the last one. */
  next?: string;
}

/** One operation of `POST /v1/files/{namespace}`; the whole batch is one commit, a bad operation is refused alone. */
export type BatchOperation =
  | { op: "delete"; key: string; ifMatch?: string }
  | { op: "copy" | "rename"; from: string; to: string; ifMatch?: string; ifNoneMatch?: "*" }
  | { op: "undelete"; key: string }
  | { op: "restore"; key: string; version: number; ifMatch?: string; ifNoneMatch?: "*" };

export type BatchResult = { ok: true; version: number } | { ok: false; error: Problem };

export interface BatchReply {
  results: BatchResult[];
  /** When it is staged: how many changes its transaction has accepted with it. */
  steps?: number;
}

/** `GET /v1/files/{namespace}/{key}?url`: straight to the bytes at a web server. */
export interface DirectUrlReply {
  url: string;
  /** When a signed URL stops working; absent when it is not signed. */
  expires?: string;
}

/** One file of `POST /v1/bundles/{namespace}`. */
export interface BundledName {
  key: string;
  /** Only when the file has this digest. */
  ifMatch?: string;
}

export interface BundleRequest {
  files: BundledName[];
}

/** In a bundle in place of a file. */
export interface BundleRefusal {
  key: string;
  error: Problem;
}

export interface NamespacePolicy {
  /** Refuse puts that fewer nodes than this have fsynced. 1 or more. */
  minCopies: number;
  /** Template of direct URLs: `{server} {namespace} {path} {key} {name}` are filled in. Absent: no direct URLs. */
  urlTemplate?: string;
  /** How long older versions and deleted files can be read and brought back. Absent: a day. */
  retentionMs?: number;
  /** Files put without Koboldfs-Expires expire so long after. Absent: never. */
  expireAfterMs?: number;
  /** Quota: how many live files it may hold; what prepared transactions will add counts. Absent: unbounded. */
  maxFiles?: number;
  /** Quota: how many bytes its live files may have, each counted once, whatever the number of replicas. Absent: unbounded. */
  maxBytes?: number;
}

export interface NamespaceInfo extends NamespacePolicy {
  name: string;
  files: number;
  /** Bytes of all live files, as a decimal string: it may pass 2^53. */
  bytes: string;
  created: string;
}

export type NodeStateName = "alive" | "readonly" | "draining" | "down" | "dead";

/** What an operator can order of a node; `down` is only ever seen. */
export type NodeOrder = Exclude<NodeStateName, "down">;

export interface NodeInfo {
  id: string;
  name: string;
  url: string;
  /** As it is seen now. */
  state: NodeStateName;
  /** As the operator set it. */
  order: NodeOrder;
  zone: string;
  /** Milliseconds since the last heartbeat by the catalog's clock. */
  heartbeatAgeMs: number;
  freeBytes: number;
  totalBytes: number;
  /** Blobs that this node should hold and does not yet. */
  debtFiles: number;
  debtBytes: string;
  /** When the oldest of them was made; absent when there are none. */
  debtSince?: string;
  /** How long they will take at the pace of the last minute; absent when none was paid in it, or nobody knows. */
  debtSecondsLeft?: number;
  /** 0-1 while the node is being backfilled; 1 when it is complete. */
  backfill: number;
  /** Absent when the node does not answer. */
  mirror?: MirrorInfo;
  /** What the node says of its own work and disks; absent when it does not answer. */
  upkeep?: NodeUpkeep;
}

/** How far a node's mirror of the journal is. */
export interface MirrorInfo {
  /** The journal number up to which it is complete. */
  number: number;
  /** When that was committed, by the catalog's clock; empty before the first commit. */
  time: string;
  /** Entries of the journal that it lacks. */
  lag: number;
}

/** What happened to the journal's history at a failover; see docs/operating.md. */
export interface HistoryEvent {
  /**
   * `completed`: the catalog lacked these numbers and got them from the mirrors. `forked`: catalog and mirror had
   * different entries from this number on. `joined`: what only the mirror had was named again.
   */
  kind: "completed" | "forked" | "joined";
  from: number;
  to: number;
  time: string;
}

export interface NamespaceListReply {
  namespaces: NamespaceInfo[];
}

export interface NodeListReply {
  nodes: NodeInfo[];
}

export interface StatusReply {
  cluster: string;
  node: string;
  catalog: string;
  head: number;
  /** How often the catalog was completed from mirrors or replaced. */
  epoch: number;
  /** The catalog does not answer: this is what the node's mirror knows, as of then. */
  asOf?: { number: number; time: string };
  /** Seen by this node since it started, the newest last. */
  history: HistoryEvent[];
  nodes: NodeInfo[];
  namespaces: NamespaceInfo[];
  /** None while the catalog does not answer. */
  webhooks: WebhookInfo[];
  /** Absent while the catalog does not answer. */
  transactions?: TransactionCounts;
  /** Of the node that answers; absent when it is one process. */
  workers?: WorkersInfo;
}

/** The processes of a node that has several, counted since each started. */
export interface WorkersInfo {
  /** The node process, which does everything. */
  pid: number;
  connections: number;
  /** The others, which read files and hand everything else on. */
  readers: ReaderInfo[];
  /** Readers that ended without being told to, and were replaced. */
  ended: number;
}

export interface ReaderInfo {
  pid: number;
  connections: number;
  /** Requests that it answered itself. */
  answered: number;
  handedOn: number;
}

/** What an order would mean for a node, and how far it is. */
export interface NodePlan {
  node: string;
  state: NodeStateName;
  order: NodeOrder;
  /** Nodes that should hold every file without this one. */
  holders: string[];
  /** Those of them that are not filled yet. */
  filling: string[];
  /** Blobs that one of them still owes and this node has: they are copied from it, or lost with it. */
  owedFiles: number;
  owedBytes: string;
  /** Blobs that none of them is known to have. */
  onlyHereFiles: number;
  onlyHereBytes: string;
  /** Blobs that unfinished transactions staged on this node. */
  stagedFiles: number;
  stagedBytes: string;
  /** Whether every file is on another node that should hold it. */
  isDispensable: boolean;
}

/** The body of `PUT /v1/nodes/{node}/order`. */
export interface NodeOrderRequest {
  order: NodeOrder;
  /** Declare it dead although files would be lost with it. */
  force?: boolean;
}

/** A blob that only one node has. */
export interface SoleBlob {
  namespace: string;
  digest: string;
  size: number;
}

export interface SoleBlobsReply {
  /** The first 1,000, by namespace and digest. */
  blobs: SoleBlob[];
}

/** RFC 9457 problem details, sent as application/problem+json. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
  hint: string;
  retryable: boolean;
  /** Names this one occurrence in the server's log. */
  instance?: string;
}
