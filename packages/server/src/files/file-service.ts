import { type FileKey, KoboldError, type NamespaceName, type PutReply } from "@koboldfs/protocol";
import type { ByteRange, OpenBlob } from "../blobs/blob-store.js";
import type { HeldFile, ListPage, ListQuery, NamespaceCatalog } from "../catalog/catalog.js";
import type { ChangeDone, ChangeOutcome } from "../model/change.js";
import type { TransactionId, TransactionRef } from "../model/transaction.js";
import type { AsOf, Consistency, ReadAnswer, ReadSource } from "./catalog-reads.js";
import { type BatchRequest, changeFiles, type DeleteRequest, deleteFile } from "./change-files.js";
import type { FileContext } from "./file-context.js";
import { FileHistory } from "./file-history.js";
import { MissingBlobs } from "./missing-blobs.js";
import { NamespaceViews } from "./namespace-views.js";
import { openBlob } from "./open-blob.js";
import { checkPut, putFile } from "./put-file.js";
import type { PutRequest } from "./put-request.js";
import { type Bundled, readBundle, type WantedFile } from "./read-bundle.js";
import { TransactionService } from "./transaction-service.js";

/** As whom one reads: as everybody, from the catalog or from the mirror, or as a transaction. */
export type ReadView = Consistency | TransactionRef;

/** A file, and when it was so if that is from the mirror. */
export interface FoundFile extends HeldFile {
  readonly asOf?: AsOf;
  /** Only the transaction that asks sees it. */
  readonly isStaged?: boolean;
}

/**
 * What a user can ask about files. While the catalog does not answer, reads are answered from the mirror and say so;
 * what the mirror lacks is `unknown_as_of`, and writes are `catalog_unavailable`.
 */
export class FileService {
  readonly #context: FileContext;
  readonly #namespaces: NamespaceViews;
  readonly #missing: MissingBlobs;
  readonly history: FileHistory;
  readonly transactions: TransactionService;

  constructor(context: FileContext) {
    this.#context = context;
    this.#namespaces = new NamespaceViews(context);
    this.#missing = new MissingBlobs(context);
    this.history = new FileHistory(context);
    this.transactions = new TransactionService(context);
  }

  /** See `putFile`. */
  put(request: PutRequest): Promise<PutReply> {
    return putFile({ ...this.#context, namespaces: this.#namespaces }, request);
  }

  /** Throws what a put like this would be refused with before its body. */
  async checkPut(request: Omit<PutRequest, "body">): Promise<void> {
    await checkPut({ ...this.#context, namespaces: this.#namespaces }, request);
  }

  /** Throws `not_found` or `namespace_not_found`. */
  async getFile(namespace: NamespaceName, key: FileKey, view: ReadView = "strong"): Promise<FoundFile> {
    if (typeof view === "object") return this.#getFileIn(view, namespace, key);
    const read = (source: ReadSource) => getFileFrom(source, namespace, key);
    const { value: file, asOf } = await this.#context.reads.read(read, view);
    return asOf === undefined ? file : { ...file, asOf };
  }

  /** See `openBlob`. */
  openBlob(file: FoundFile, range?: ByteRange): Promise<OpenBlob> {
    // Only the nodes on which it was placed should have what is staged.
    const missing = file.isStaged === true ? { report: () => {} } : this.#missing;
    return openBlob({ context: this.#context, missing, file, range });
  }

  /** The prepared transaction that holds a key which names nothing now; undefined also when nobody can tell. */
  async findHolder(namespace: NamespaceName, key: FileKey): Promise<TransactionId | undefined> {
    const { catalog, reads } = this.#context;
    return reads.isAway ? undefined : (await catalog.findLock(namespace, key))?.transaction;
  }

  /** See `readBundle`. */
  readBundle(namespace: NamespaceName, names: readonly WantedFile[]): Promise<ReadAnswer<AsyncIterable<Bundled>>> {
    const open = (file: FoundFile) => this.openBlob(file);
    return readBundle({ reads: this.#context.reads, open }, namespace, names);
  }

  /** Throws `namespace_not_found`. */
  async list(namespace: NamespaceName, query: ListQuery, view: ReadView = "strong"): Promise<ReadAnswer<ListPage>> {
    if (typeof view === "object") return { value: await this.transactions.listFiles(view, namespace, query) };
    return this.#context.reads.read((source) => source.listFiles(namespace, query), view);
  }

  async #getFileIn(transaction: TransactionRef, namespace: NamespaceName, key: FileKey): Promise<FoundFile> {
    const file = await this.transactions.findFile(transaction, namespace, key);
    return file ?? (await failToFind(this.#context.catalog, namespace, key));
  }

  /** See `deleteFile`. */
  delete(request: DeleteRequest): Promise<ChangeDone> {
    return deleteFile(this.#context, request);
  }

  /** See `changeFiles`. */
  batch(request: BatchRequest): Promise<ChangeOutcome[]> {
    return changeFiles(this.#context, request);
  }
}

async function getFileFrom(source: ReadSource, namespace: NamespaceName, key: FileKey): Promise<HeldFile> {
  const file = await source.findFile(namespace, key);
  return file ?? (await failToFind(source, namespace, key));
}

async function failToFind(source: NamespaceCatalog, namespace: NamespaceName, key: FileKey): Promise<never> {
  if ((await source.findNamespace(namespace)) === undefined) {
    throw new KoboldError("namespace_not_found", `no namespace ${namespace}`);
  }
  throw new KoboldError("not_found", `no file ${key} in ${namespace}`);
}
