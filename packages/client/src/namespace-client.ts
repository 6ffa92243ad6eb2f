import {
  type BatchOperation,
  type BatchResult,
  type BundledName,
  type FileInfo,
  HEADER,
  KoboldError,
  type PutReply,
  parseDigest,
  parseFileKey,
  parseNamespaceName,
} from "@koboldfs/protocol";
import { absentAsUndefined } from "./absent.js";
import { BatchSender } from "./batch-sender.js";
import { BundleReader, type GetManyResult } from "./bundle-reader.js";
import type {
  CallOptions,
  CopyOptions,
  DeleteOptions,
  GetBytesOptions,
  GetOptions,
  ListOptions,
  OpenedFile,
  PastOptions,
  PrefixEntry,
  PutOptions,
  UrlOptions,
} from "./client-options.js";
import { ClusterFace } from "./cluster-face.js";
import { CoupledClient } from "./coupled-client.js";
import { formatFilePath, formatNamespaceFilesPath, formatPastQuery, formatUrlQuery } from "./file-address.js";
import { formatListQuery, walkPages } from "./lister.js";
import type { TransportResponse } from "./platform.js";
import { checkDirectUrl, checkListReply } from "./reply-checks.js";
import type { Session } from "./session/session.js";
import type { DownloadRequest } from "./transfer/download.js";
import { readFileHead } from "./transfer/file-head.js";
import { FileReader } from "./transfer/file-reader.js";
import { type GetTarget, openSink } from "./transfer/get-target.js";
import { formatPutHeaders, withOwnType } from "./transfer/put-headers.js";
import { openPutSource, type PutSource } from "./transfer/put-source.js";
import { planResumable } from "./transfer/plan-resumable.js";
import { uploadResumably } from "./transfer/resumable-upload.js";
import { uploadBody } from "./transfer/upload.js";

/**
 * The files of one namespace. Every method may be called at any time and any number of times at once. All throw a
 * `KoboldError` with a code of the error table (`server_unreachable` when no server answered), or the reason of the
 * `signal` that they were given.
 */
export class NamespaceClient extends CoupledClient<NamespaceClient> {
  readonly #session: Session;
  readonly #reader: FileReader;
  readonly #batches: BatchSender;
  readonly #bundles: BundleReader;

  constructor(namespace: string, session: Session) {
    const name = parseNamespaceName(namespace);
    const cluster = new ClusterFace(session);
    const batches = new BatchSender(name, session);
    super({ session, namespace: name, cluster, batches }, (other, within) => new NamespaceClient(other, within));
    this.#session = session;
    this.#reader = new FileReader(session);
    this.#batches = batches;
    this.#bundles = new BundleReader(name, session);
  }

  /**
   * Stores a file under `key`, in place of what was there. A string is a PATH: `put("motd", "/etc/motd")`.
   *
   * The digest is checked end to end: bytes, and files up to 1 MiB, are announced with theirs, so that the server
   * refuses others; of longer ones what the server stored is compared afterwards, and taken away again if it is wrong.
   *
   * What can be read again and has 32 MiB or more goes as a resumable upload (see `resumableFromBytes`).
   *
   * ```ts
   * await client.put("motd", "README.md"); // the file at this path
   * await client.put("note", Buffer.from("these bytes"), { contentType: "text/plain", metadata: { author: "me" } });
   * const { size, copies } = await client.put("feed", new Blob(["what a Blob holds"]));
   * size; // => 17
   * copies >= 1; // => true
   * ```
   *
   * Not over what somebody else put there in the meantime:
   *
   * ```ts
   * await client.put("counter", Buffer.from("1"));
   * const known = await client.stat("counter");
   * if (known !== undefined) await client.put("counter", Buffer.from("2"), { ifMatch: known.digest });
   * const late = client.put("counter", Buffer.from("3"), { ifNoneMatch: "*" });
   * await late.catch((error) => error.code); // => "precondition_failed"
   * ```
   */
  async put(key: string, source: PutSource, options: PutOptions = {}): Promise<PutReply> {
    const path = this.#pathOf(key);
    const announced = options.digest === undefined ? undefined : parseDigest(options.digest);
    const { signal, onProgress } = options;
    return this.#session.admit(signal, async () => {
      const typed = withOwnType(source, options);
      const idempotencyKey = this.#session.createIdempotencyKey();
      const body = await openPutSource(source, this.#session.platform);
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

  /**
   * Stores a file and answers its digest and size, or `null` in case of error, as the first KoboldFS did.
   *
   * ```ts
   * await client.putStat("motd", "no such file"); // => null
   * ```
   */
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
   *
   * ```ts
   * await client.put("motd", Buffer.from("Be excellent to each other.\n"));
   * await client.get("motd", "motd.txt"); // => true
   * await client.get("motd", process.stdout); // => true
   * await client.get("no such key", "never.txt"); // => false
   * ```
   */
  async get(key: string, target: GetTarget, options: GetOptions = {}): Promise<boolean> {
    const sink = await openSink(target, this.#session.platform);
    return (
      (await absentAsUndefined(this.#reader.readInto(sink, this.#download(key, options), options).then(() => true))) ??
      false
    );
  }

  /**
   * The content of a file that fits into memory; undefined when there is no such key.
   *
   * ```ts
   * await client.put("greeting", Buffer.from("hello, world"));
   * const bytes = await client.getBytes("greeting", { range: { offset: 0, length: 5 } });
   * new TextDecoder().decode(bytes); // => "hello"
   * ```
   */
  getBytes(key: string, options: GetBytesOptions = {}): Promise<Uint8Array | undefined> {
    return absentAsUndefined(this.#reader.readBytes(this.#download(key, options), options));
  }

  /**
   * The content of up to 1,000 small files in one request, which costs a fraction of as many single ones. Answers one
   * result for each, in order; a digest that is given must be the file's. Files of more than 256 KiB, and those beyond
   * 8 MiB in all, are refused as `too_large`: get them alone.
   *
   * ```ts
   * for (const key of ["icon/1", "icon/2"]) await client.put(key, Buffer.from(`the bytes of ${key}`));
   * const [first, missing] = await client.getMany([{ key: "icon/1" }, { key: "no such key" }]);
   * first?.ok === true && new TextDecoder().decode(first.bytes); // => "the bytes of icon/1"
   * missing?.ok === false && missing.error.code; // => "not_found"
   * ```
   */
  getMany(files: readonly BundledName[], options: CallOptions = {}): Promise<GetManyResult[]> {
    return this.#bundles.read(files, options);
  }

  /**
   * Opens a file to be read piece by piece; undefined when there is no such key. Read the body, or discard it.
   *
   * ```ts
   * await client.put("log", Buffer.from("one\ntwo\n"), { contentType: "text/plain" });
   * const file = await client.open("log");
   * let bytes = 0;
   * if (file !== undefined) for await (const piece of file.body) bytes += piece.length;
   * bytes; // => 8
   * file?.info.contentType; // => "text/plain"
   * ```
   */
  open(key: string, options: GetOptions = {}): Promise<OpenedFile | undefined> {
    return absentAsUndefined(this.#reader.open(this.#download(key, options), options));
  }

  /**
   * A URL straight to the bytes at a web server of a node that lives and has them, from the namespace's template;
   * undefined without such a key, a template, or a node with the bytes. It names these bytes, whatever the key names later.
   *
   * ```ts
   * await client.createNamespace({ urlTemplate: "http://{server}:8080/{namespace}/{path}" });
   * await client.put("cat.jpg", Buffer.from("a cat"));
   * const url = await client.getUrl("cat.jpg"); // http://127.0.0.1:8080/…/77/af/77af778b51abd4a3…
   * url?.startsWith("http://127.0.0.1:8080/"); // => true
   * ```
   */
  async getUrl(key: string, options: UrlOptions = {}): Promise<string | undefined> {
    const path = `${this.#pathOf(key)}?${formatUrlQuery(options)}`;
    const asked = this.#session.callJson({ method: "GET", path }, checkDirectUrl, options);
    return (await absentAsUndefined(asked, "no_direct_url"))?.url;
  }

  /**
   * What the key names now; undefined when there is no such key. `modified` has whole seconds.
   *
   * ```ts
   * await client.put("report", Buffer.from("42"), { metadata: { author: "me" } });
   * const info = await client.stat("report");
   * info?.size; // => 2
   * info?.metadata; // => { author: "me" }
   * ```
   */
  stat(key: string, options: CallOptions & PastOptions = {}): Promise<FileInfo | undefined> {
    const read = async (response: TransportResponse): Promise<FileInfo> => {
      await response.finish();
      return readFileHead(key, response).info;
    };
    return absentAsUndefined(this.#session.call({ method: "HEAD", path: this.#pathOf(key, options) }, read, options));
  }

  /**
   * Removes the key. `false` when there was no such key.
   *
   * ```ts
   * await client.put("old", Buffer.from("old"));
   * await client.delete("old"); // => true
   * await client.delete("old"); // => false
   * ```
   */
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

  /**
   * Gives the content of `from` a second name; no bytes move. Throws `not_found`.
   *
   * ```ts
   * await client.put("original", Buffer.from("text"));
   * await client.copy("original", "backup");
   * (await client.stat("backup"))?.size; // => 4
   * ```
   */
  copy(from: string, to: string, options: CopyOptions = {}): Promise<{ version: number }> {
    return this.#batches.move({ op: "copy", from, to }, options);
  }

  /**
   * Gives the content of `from` another name, in one commit. Throws `not_found`.
   *
   * ```ts
   * await client.put("upload.part", Buffer.from("text"));
   * await client.rename("upload.part", "upload");
   * await client.stat("upload.part"); // => undefined
   * ```
   */
  rename(from: string, to: string, options: CopyOptions = {}): Promise<{ version: number }> {
    return this.#batches.move({ op: "rename", from, to }, options);
  }

  /**
   * At most 1,000 operations in one commit; each succeeds or is refused alone, in the order in which they stand.
   * Answers one result for each.
   *
   * ```ts
   * await client.put("draft", Buffer.from("text"));
   * const [published, missing] = await client.batch([
   *   { op: "rename", from: "draft", to: "published" },
   *   { op: "delete", key: "no such key" },
   * ]);
   * published?.ok; // => true
   * missing?.ok === false && missing.error.code; // => "not_found"
   * ```
   */
  batch(operations: readonly BatchOperation[], options: CallOptions = {}): Promise<BatchResult[]> {
    return this.#batches.send(operations, options);
  }

  /**
   * Removes many keys, a thousand in each commit. Answers how many were there; throws the first refusal.
   *
   * ```ts
   * for (const key of ["tmp/1", "tmp/2"]) await client.put(key, Buffer.from("scratch"));
   * await client.deleteMany(["tmp/1", "tmp/2", "tmp/3"]); // => 2
   * ```
   */
  deleteMany(keys: Iterable<string> | AsyncIterable<string>, options: CallOptions = {}): Promise<number> {
    return this.#batches.deleteMany(keys, options);
  }

  /**
   * The files in the byte order of their keys, page by page as they are asked for. With a delimiter, all keys that
   * have it behind the prefix are one `{ prefix }`.
   *
   * ```ts
   * for (const key of ["trip/a.jpg", "trip/raw/1", "trip/raw/2"]) await client.put(key, Buffer.from(key));
   * const keys: string[] = [];
   * for await (const { key } of client.list({ prefix: "trip/" })) keys.push(key);
   * keys; // => ["trip/a.jpg", "trip/raw/1", "trip/raw/2"]
   *
   * const names: string[] = [];
   * for await (const entry of client.list({ prefix: "trip/", delimiter: "/" })) {
   *   names.push("prefix" in entry ? entry.prefix : entry.key);
   * }
   * names; // => ["trip/a.jpg", "trip/raw/"]
   * ```
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

  #pathOf(key: string, past: PastOptions = {}): string {
    return formatFilePath(this.namespace, parseFileKey(key)) + formatPastQuery(past);
  }

  #download(key: string, options: GetOptions): DownloadRequest {
    return {
      key,
      path: this.#pathOf(key, options),
      ...(options.ifMatch !== undefined && { headers: { "if-match": `"${options.ifMatch}"` } }),
      range: options.range,
      signal: options.signal,
      onProgress: options.onProgress,
    };
  }
}
