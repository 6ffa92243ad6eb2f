import type { FileInfo, TransactionState } from "@koboldfs/protocol";
import type { DatabaseAdapter } from "./databases/database-adapter.js";
import type { ByteRange } from "./transfer/download.js";
import type { UploadMemory } from "./transfer/upload-memory.js";

export interface ClientOptions {
  /** Base URLs, the preferred one first; the next is asked when one is dead. */
  readonly servers: readonly string[];
  /** Sent as `Authorization: Bearer TOKEN`. */
  readonly token?: string;
  /**
   * How long an operation is tried before its failure is told. Counted from its start, or from the last byte of a file
   * that got through, so that a large file may take as long as it needs. Default 30,000.
   */
  readonly deadlineMs?: number;
  /** How long to wait for a connection. Default 2,000. Browsers have a limit of their own. */
  readonly connectTimeoutMs?: number;
  /** How long a server may think before it answers. Default 15,000: a commit may have to wait for a lock. */
  readonly responseTimeoutMs?: number;
  /** How long the bytes of an answer may pause. Default 10,000. */
  readonly idleTimeoutMs?: number;
  /** Where addresses of unfinished uploads are kept, so that a later process goes on with them. Default: nowhere. */
  readonly uploadMemory?: UploadMemory;
  /**
   * The id of the transaction that calls join which name none, asked for each call: what an ambient form of transactions is
   * made of (`TransactionalClientPool` is one). Default: none.
   */
  readonly currentTransaction?: () => string | undefined;
  /**
   * The database that `withDatabase` is called with. A read that meets the moment between the two commits then finishes that
   * transaction and reads again. Default: none; such a read gets the old content, or that there is none.
   */
  readonly database?: DatabaseAdapter<unknown>;
  /**
   * Operations under way at once, and connections to each server; others wait for their turn. Default 64. Browsers open
   * fewer connections, usually six to a server.
   */
  readonly maxInFlight?: number;
}

export interface CallOptions {
  /** Ends the operation; it then throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** In place of the client's own. */
  readonly deadlineMs?: number;
}

/**
 * `strong`: what was last acknowledged. `mirror`: from the asked server's own mirror, without its asking the catalog: quick
 * and independent of the database, and usually less than two seconds old; how old is said in the answer's headers. When the
 * mirror is not known to be younger than 10 s, the server asks the catalog after all, for 250 ms.
 */
export type Consistency = "strong" | "mirror";

/** Which state of a key is meant: at most one of these; none: what it names now. */
export interface PastOptions {
  /** How sure it must be that this is the newest. Default `strong`. */
  readonly consistency?: Consistency;
  /** A version's number. */
  readonly version?: number;
  /** A journal number or an RFC 3339 time; `history_gone` when the namespace's retention has passed since. */
  readonly asOf?: string;
}

export interface PutOptions extends CallOptions {
  /** A media type; by default that of a Blob or File, else the server's `application/octet-stream`. */
  readonly contentType?: string;
  /** Short texts kept with the file; the names are lower-case header words. At most 8 KiB in all. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Only when the file is there and has this digest; else `precondition_failed`. */
  readonly ifMatch?: string;
  /** `*`: only when there is no such file. A digest: only when the file has another. */
  readonly ifNoneMatch?: string;
  /** Refuse with `too_few_copies` unless this many nodes hold the bytes. */
  readonly minCopies?: number;
  /** When it expires: an RFC 3339 time, after how many seconds, or `never`; absent: as the namespace's policy says. */
  readonly expires?: string | number;
  /** What the bytes must be, in hex: the server then refuses others before it names them. */
  readonly digest?: string;
  /** Told after each piece how many bytes were sent so far; starts anew when the file is sent again. */
  readonly onProgress?: (bytes: number) => void;
  /**
   * A path, bytes or a Blob of this many bytes and more is sent as a resumable upload, which goes on after a break where
   * it was; a browser sends it in pieces of 8 MiB. `Infinity`: never. Default 32 MiB, below which beginning again costs little.
   */
  readonly resumableFromBytes?: number;
}

export interface GetOptions extends CallOptions, PastOptions {
  /** Only a part of the file. Its digest cannot be checked then. */
  readonly range?: ByteRange;
  /** Only when the file has this digest; else `precondition_failed`. */
  readonly ifMatch?: string;
  /** Told after each piece how many bytes arrived so far. */
  readonly onProgress?: (bytes: number) => void;
}

export interface GetBytesOptions extends GetOptions {
  /** A larger file is refused as `too_large`. Default 256 MiB. */
  readonly maxBytes?: number;
}

export interface UrlOptions extends CallOptions {
  /** For how many seconds a signed URL is good, up to 31 days. Default an hour. */
  readonly ttlSeconds?: number;
  /** Where the reader is: a node of that zone is preferred. Default: the zone of the server that is asked. */
  readonly zone?: string;
}

export interface DeleteOptions extends CallOptions {
  /** Only when the file has this digest; else `precondition_failed`. */
  readonly ifMatch?: string;
}

export interface CopyOptions extends CallOptions {
  /** Only when the source has this digest. */
  readonly ifMatch?: string;
  /** `*`: only when there is no file at the target. */
  readonly ifNoneMatch?: "*";
}

export interface ListOptions extends CallOptions {
  /** Only keys that begin so. */
  readonly prefix?: string;
  /** Only keys behind this one, bytewise. */
  readonly after?: string;
  /** The files as they were: a journal number or an RFC 3339 time. */
  readonly asOf?: string;
  /** How sure it must be that these are the newest; not together with `asOf`. Default `strong`. */
  readonly consistency?: Consistency;
  /** Entries asked for at once, 1 to 1,000; all of them come in the end. Default 1,000. */
  readonly pageSize?: number;
}

export interface TransactionListOptions extends CallOptions {
  /** Only those in this state. */
  readonly state?: TransactionState;
}

export interface FinishOptions extends CallOptions {
  /** Also when it was begun with another token: for operators. */
  readonly force?: boolean;
}

export interface BeginOptions extends CallOptions {
  /** How long it may lie unused before it is aborted: a second to a day. Default 10 minutes. */
  readonly ttlMs?: number;
  /** Who decides, 1 to 24 small letters and digits: the id begins with that and a hyphen, so that you know your own when you recover. */
  readonly coordinator?: string;
}

export interface TransactionOptions extends BeginOptions {
  /**
   * Prepare before the commit: what could refuse it does so before anything else is decided, and afterwards it cannot fail.
   * Costs one more round trip.
   */
  readonly twoPhase?: boolean;
  /**
   * Called when everything is prepared, with the transaction's id; implies `twoPhase`. Here you make your own decision durable:
   * when it throws, the transaction is aborted.
   */
  readonly decide?: (id: string) => Promise<void>;
}

export interface CoupledOptions extends Omit<BeginOptions, "coordinator"> {
  /**
   * Told when everything is decided and the database has committed, but no server answered that the files are: the recovery
   * commits them.
   */
  readonly onUnfinished?: (id: string, reason: unknown) => void;
}

/** Whose changes are followed, and from where. */
export interface ChangesOptions {
  /** Changes behind this journal number: the `number` of the last change that was dealt with. Absent: from now on. */
  readonly after?: number;
  /** Only keys that begin so. */
  readonly prefix?: string;
  /** Ends the loop; it then throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** How long no server may answer before the loop throws. In place of the client's own. */
  readonly deadlineMs?: number;
  /** Told where to go on from, also while nothing that is followed changes: what a reader keeps to resume later. */
  readonly onPosition?: (number: number) => void;
}

/** Stands for all keys that begin so, in a listing with a delimiter. */
export interface PrefixEntry {
  readonly prefix: string;
}

/** A file that is being read. */
export interface OpenedFile {
  readonly info: FileInfo;
  /** Bytes that will come: the file's size, or the range's. */
  readonly length: number;
  /**
   * The pieces in order, to be read once. Throws `digest_mismatch` after the last when the whole file came and was not
   * what it should be. Leaving the loop early is fine.
   */
  readonly body: AsyncIterable<Uint8Array>;
  /** Gives the connection back when the body is not read after all. */
  discard(): void;
}
