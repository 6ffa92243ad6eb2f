import {
  type BatchOperation,
  type BatchReply,
  type BatchResult,
  type FileInfo,
  HEADER,
  isErrorCode,
  KoboldError,
  type NamespaceInfo,
  type NamespacePolicy,
  type NodeInfo,
  type NodeOrderRequest,
  type NodePlan,
  type PutReply,
  parseDigest,
  parseFileKey,
  parseNamespaceName,
  type SoleBlob,
  type StatusReply,
} from "@koboldfs/protocol";
import type {
  CallOptions,
  CopyOptions,
  DeleteOptions,
  GetBytesOptions,
  GetOptions,
  ListOptions,
  OpenedFile,
  PrefixEntry,
  PutOptions,
} from "./client-options.js";
import { ClusterFace } from "./cluster-face.js";
import { chooseServingNode, formatDirectUrl } from "./direct-url.js";
import { formatFilePath, formatNamespaceFilesPath } from "./file-address.js";
import { walkPages } from "./lister.js";
import type { TransportResponse } from "./platform.js";
import { RecentValue } from "./recent-value.js";
import { checkBatchReply, checkListReply } from "./reply-checks.js";
import type { Session } from "./session/session.js";
import type { DownloadRequest } from "./transfer/download.js";
import { readFileHead } from "./transfer/file-head.js";
import { FileReader } from "./transfer/file-reader.js";
import type { GetTarget } from "./transfer/get-target.js";
import { formatPutHeaders } from "./transfer/put-headers.js";
import { openPutSource, type PutSource } from "./transfer/put-source.js";
import { planResumable } from "./transfer/plan-resumable.js";
import { uploadResumably } from "./transfer/resumable-upload.js";
import type { Sink } from "./transfer/sink.js";
import type { SourceBody } from "./transfer/source-body.js";
import { uploadBody } from "./transfer/upload.js";

/** The server takes so many operations in one batch. */
const MAX_BATCH_OPERATIONS = 1_000;
const DEFAULT_PAGE_SIZE = 1_000;

/**
 * The files of one namespace. Every method may be called at any time and any number of times at once. All throw a
 * `KoboldError` with a code of the error table (`server_unreachable` when no server answered), or the reason of the
 * `signal` that they were given.
 */
export class NamespaceClient {
  readonly namespace: string;
  readonly #session: Session;
  readonly #cluster: ClusterFace;
  readonly #reader: FileReader;
  readonly #recentNamespace = new RecentValue<NamespaceInfo>();
  readonly #recentNodes = new RecentValue<NodeInfo[]>();

  constructor(namespace: string, session: Session) {
    this.namespace = parseNamespaceName(namespace);
    this.#session = session;
    this.#cluster = new ClusterFace(session);
    this.#reader = new FileReader(session);
  }

  /** Whether a server answers. Never throws but for the signal. */
  ping(options: CallOptions = {}): Promise<boolean> {
    return this.#cluster.ping(options);
  }

  /**
   * Stores a file under `key`, in place of what was there. A string is a PATH: `put("motd", "/etc/motd")`.
   *
   * The digest is checked end to end: bytes, and files up to 1 MiB, are announced with theirs, so that the server
   * refuses others; of longer ones what the server stored is compared afterwards, and taken away again if it is wrong.
   *
   * What can be read again and has 32 MiB or more goes as a resumable upload (see `resumableFromBytes`).
   */
  async put(key: string, source: PutSource, options: PutOptions = {}): Promise<PutReply> {
    const path = this.#pathOf(key);
    const announced = options.digest === undefined ? undefined : parseDigest(options.digest);
    const { signal, onProgress } = options;
    return this.#session.admit(signal, async () => {
      const typed = { ...ownType(source), ...options };
      const idempotencyKey = this.#session.createIdempotencyKey();
      const body = await this.#openSource(source);
      try {
        const budget = this.#session.startBudget(options);
        const upload = { path, announced, signal, onProgress };
        const put = { body, namespace: this.namespace, key, idempotencyKey, digest: announced ?? body.digest };
        const resumable = planResumable(this.#session, put, typed);
        if (resumable !== undefined) return await uploadResumably(this.#session, { ...upload, ...resumable }, budget);
        const headers = formatPutHeaders(typed, idempotencyKey);
        return await uploadBody(this.#session, { ...upload, headers, body }, budget);
      } finally {
        await body.close();
      }
    });
  }

  /** Stores a file and answers its digest and size, or `null` in case of error, as the first KoboldFS did. */
  async putStat(
    key: string,
    source: PutSource,
    options: PutOptions = {},
  ): Promise<{ digest: string; size: number } | null> {
    try {
      const { digest, size } = await this.put(key, source, options);
      return { digest, size };
    } catch (thrown) {
      if (thrown instanceof KoboldError) return null;
      throw thrown;
    }
  }

  /**
   * Writes the file into `target`; `false` when there is no such key. A string is the PATH of a file, which appears
   * only when it is complete and its digest is right. A `Writable` or `WritableStream` is not ended: when the promise
   * rejects (`digest_mismatch`), what was written to it is not the file.
   */
  async get(key: string, target: GetTarget, options: GetOptions = {}): Promise<boolean> {
    const sink = await this.#openSink(target);
    return (
      (await absentAsUndefined(this.#reader.readInto(sink, this.#download(key, options), options).then(() => true))) ??
      false
    );
  }

  /** The content of a file that fits into memory; undefined when there is no such key. */
  getBytes(key: string, options: GetBytesOptions = {}): Promise<Uint8Array | undefined> {
    return absentAsUndefined(this.#reader.readBytes(this.#download(key, options), options));
  }

  /** Opens a file to be read piece by piece; undefined when there is no such key. Read the body, or discard it. */
  open(key: string, options: GetOptions = {}): Promise<OpenedFile | undefined> {
    return absentAsUndefined(this.#reader.open(this.#download(key, options), options));
  }

  /**
   * A URL straight to the bytes at a web server of a node that lives, from the namespace's template; undefined when
   * there is no such key or the namespace has no template. It names these bytes, whatever the key names later. What is
   * known of nodes and template may be two seconds old.
   */
  async getUrl(key: string, options: CallOptions = {}): Promise<string | undefined> {
    // Others may share these two requests, so they do not end with this caller's signal.
    const namespace = await this.#recentNamespace.get(() => this.getNamespace());
    if (namespace.urlTemplate === undefined) return undefined;
    const recentNodes = this.#recentNodes.get(() => this.nodes());
    const [file, nodes] = await Promise.all([this.stat(key, options), recentNodes]);
    const node = chooseServingNode(nodes, Math.random);
    return file === undefined || node === undefined ? undefined : formatDirectUrl(namespace, node, file);
  }

  /** What the key names now; undefined when there is no such key. `modified` has whole seconds. */
  stat(key: string, options: CallOptions = {}): Promise<FileInfo | undefined> {
    const read = async (response: TransportResponse): Promise<FileInfo> => {
      await response.finish();
      return readFileHead(key, response).info;
    };
    return absentAsUndefined(this.#session.call({ method: "HEAD", path: this.#pathOf(key) }, read, options));
  }

  /** Removes the key. `false` when there was no such key. */
  async delete(key: string, options: DeleteOptions = {}): Promise<boolean> {
    const headers: Record<string, string> = { [HEADER.idempotencyKey]: this.#session.createIdempotencyKey() };
    if (options.ifMatch !== undefined) headers["if-match"] = `"${options.ifMatch}"`;
    const read = async (response: TransportResponse): Promise<true> => {
      await response.finish();
      return true;
    };
    const request = { method: "DELETE" as const, path: this.#pathOf(key), headers };
    return (await absentAsUndefined(this.#session.call(request, read, options))) ?? false;
  }

  /** Gives the content of `from` a second name; no bytes move. Throws `not_found`. */
  copy(from: string, to: string, options: CopyOptions = {}): Promise<{ version: number }> {
    return this.#runOne({ op: "copy", from, to, ...preconditions(options) }, options);
  }

  /** Gives the content of `from` another name, in one commit. Throws `not_found`. */
  rename(from: string, to: string, options: CopyOptions = {}): Promise<{ version: number }> {
    return this.#runOne({ op: "rename", from, to, ...preconditions(options) }, options);
  }

  /**
   * At most 1,000 operations in one commit; each succeeds or is refused alone, in the order in which they stand.
   * Answers one result for each.
   */
  async batch(operations: readonly BatchOperation[], options: CallOptions = {}): Promise<BatchResult[]> {
    if (operations.length === 0) return [];
    const headers = {
      [HEADER.idempotencyKey]: this.#session.createIdempotencyKey(),
      "content-type": "application/json",
    };
    const body = new TextEncoder().encode(JSON.stringify({ operations }));
    const path = formatNamespaceFilesPath(this.namespace);
    const check = (reply: unknown): BatchReply => checkBatchReply(reply, operations.length);
    const request = { method: "POST" as const, path, headers, body };
    return (await this.#session.callJson(request, check, options)).results;
  }

  /** Removes many keys, a thousand in each commit. Answers how many were there; throws the first refusal. */
  async deleteMany(keys: Iterable<string> | AsyncIterable<string>, options: CallOptions = {}): Promise<number> {
    let deleted = 0;
    let operations: BatchOperation[] = [];
    const flush = async () => {
      const results = await this.batch(operations, options);
      operations = [];
      deleted += results.filter((result) => result.ok).length;
      const refused = results.find((result) => !result.ok && result.error.code !== "not_found");
      if (refused !== undefined) unwrapResult(refused);
    };
    for await (const key of keys) {
      if (operations.push({ op: "delete", key }) === MAX_BATCH_OPERATIONS) await flush();
    }
    await flush();
    return deleted;
  }

  /**
   * The files in the byte order of their keys, page by page as they are asked for. With a delimiter, all keys that
   * have it behind the prefix are one `{ prefix }`.
   */
  list(options?: ListOptions): AsyncIterable<FileInfo>;
  list(options: ListOptions & { readonly delimiter: string }): AsyncIterable<FileInfo | PrefixEntry>;
  list(options: ListOptions & { readonly delimiter?: string } = {}): AsyncIterable<FileInfo | PrefixEntry> {
    const path = formatNamespaceFilesPath(this.namespace);
    return walkPages((after) => {
      const query = formatListQuery(options, after);
      return this.#session.callJson({ method: "GET", path: `${path}?${query}` }, checkListReply, options);
    }, options.after);
  }

  /** Creates this namespace, or gives it another policy. */
  createNamespace(policy: Partial<NamespacePolicy> = {}, options: CallOptions = {}): Promise<NamespaceInfo> {
    return this.#cluster.setNamespace(this.namespace, policy, options);
  }

  /** Throws `namespace_not_found`. */
  getNamespace(options: CallOptions = {}): Promise<NamespaceInfo> {
    return this.#cluster.getNamespace(this.namespace, options);
  }

  /** Removes this namespace, which must be empty: `namespace_not_empty`. */
  dropNamespace(options: CallOptions = {}): Promise<void> {
    return this.#cluster.dropNamespace(this.namespace, options);
  }

  listNamespaces(options: CallOptions = {}): Promise<NamespaceInfo[]> {
    return this.#cluster.listNamespaces(options);
  }

  /** Every node of the cluster. */
  nodes(options: CallOptions = {}): Promise<NodeInfo[]> {
    return this.#cluster.listNodes(options);
  }

  /** What would become of the files if the node were not there; also how far its draining is. */
  nodePlan(name: string, options: CallOptions = {}): Promise<NodePlan> {
    return this.#cluster.getNodePlan(name, options);
  }

  /** The first blobs that no node but this one is known to have. */
  soleBlobs(name: string, options: CallOptions = {}): Promise<SoleBlob[]> {
    return this.#cluster.listSoleBlobs(name, options);
  }

  /** Orders a state of a node. Throws `last_holder`, `node_dead` and, unless forced, `sole_copies`. */
  orderNode(name: string, order: NodeOrderRequest, options: CallOptions = {}): Promise<NodePlan> {
    return this.#cluster.orderNode(name, order, options);
  }

  /** Lets a stopped node come back without its disks, to be filled from the others. Throws `node_running`. */
  refillNode(name: string, options: CallOptions = {}): Promise<NodePlan> {
    return this.#cluster.refillNode(name, options);
  }

  /** The whole cluster at one glance, as the server that answers sees it. */
  status(options: CallOptions = {}): Promise<StatusReply> {
    return this.#cluster.getStatus(options);
  }

  async #runOne(operation: BatchOperation, options: CallOptions): Promise<{ version: number }> {
    const [result] = await this.batch([operation], options);
    return unwrapResult(result);
  }

  #pathOf(key: string): string {
    return formatFilePath(this.namespace, parseFileKey(key));
  }

  #download(key: string, options: GetOptions): DownloadRequest {
    return {
      key,
      path: this.#pathOf(key),
      ...(options.ifMatch !== undefined && { headers: { "if-match": `"${options.ifMatch}"` } }),
      range: options.range,
      signal: options.signal,
      onProgress: options.onProgress,
    };
  }

  async #openSource(source: PutSource): Promise<SourceBody> {
    const { platform } = this.#session;
    const body = await openPutSource(source, platform);
    return platform.prepareBody === undefined ? body : platform.prepareBody(body);
  }

  async #openSink(target: GetTarget): Promise<Sink> {
    const { platform } = this.#session;
    const sink = typeof target === "string" ? await platform.createFile(target) : platform.wrapStream(target);
    if (sink === undefined) throw new TypeError("a target is a path, a Writable or a WritableStream");
    return sink;
  }
}

async function absentAsUndefined<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (thrown) {
    if (thrown instanceof KoboldError && thrown.code === "not_found") return undefined;
    throw thrown;
  }
}

/** A Blob may know its type. */
function ownType(source: PutSource): { contentType?: string } {
  return source instanceof Blob && source.type !== "" ? { contentType: source.type } : {};
}

function preconditions(options: CopyOptions): { ifMatch?: string; ifNoneMatch?: "*" } {
  return {
    ...(options.ifMatch !== undefined && { ifMatch: options.ifMatch }),
    ...(options.ifNoneMatch !== undefined && { ifNoneMatch: options.ifNoneMatch }),
  };
}

function unwrapResult(result: BatchResult | undefined): { version: number } {
  if (result?.ok === true) return { version: result.version };
  const code = result?.error.code ?? "";
  throw new KoboldError(
    isErrorCode(code) ? code : "invalid_response",
    result?.error.detail ?? "the batch has no result",
  );
}

function formatListQuery(options: ListOptions & { readonly delimiter?: string }, after: string | undefined): string {
  const query = [`limit=${options.pageSize ?? DEFAULT_PAGE_SIZE}`];
  for (const [name, value] of Object.entries({ prefix: options.prefix, delimiter: options.delimiter, after })) {
    if (value !== undefined && value !== "") query.push(`${name}=${encodeURIComponent(value)}`);
  }
  return query.join("&");
}
