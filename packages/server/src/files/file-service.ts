import { type FileKey, KoboldError, type NamespaceName, type PutReply } from "@koboldfs/protocol";
import type { ByteRange, OpenBlob } from "../blobs/blob-store.js";
import type { ListPage, ListQuery } from "../catalog/catalog.js";
import type { ChangeOutcome, FileRecord } from "../model/change.js";
import type { AsOf, ReadAnswer, ReadSource } from "./catalog-reads.js";
import { type BatchRequest, changeFiles, type DeleteRequest, deleteFile } from "./change-files.js";
import type { FileContext } from "./file-context.js";
import { FileHistory } from "./file-history.js";
import { MissingBlobs } from "./missing-blobs.js";
import { NamespaceViews } from "./namespace-views.js";
import { openBlob } from "./open-blob.js";
import { checkPut, putFile } from "./put-file.js";
import type { PutRequest } from "./put-request.js";

/** A file, and when it was so if the catalog could not be asked. */
export interface FoundFile extends FileRecord {
  readonly asOf?: AsOf;
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

  constructor(context: FileContext) {
    this.#context = context;
    this.#namespaces = new NamespaceViews(context);
    this.#missing = new MissingBlobs(context);
    this.history = new FileHistory(context);
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
  async getFile(namespace: NamespaceName, key: FileKey): Promise<FoundFile> {
    const { value: file, asOf } = await this.#context.reads.read((source) => getFileFrom(source, namespace, key));
    return asOf === undefined ? file : { ...file, asOf };
  }

  /** See `openBlob`. */
  openBlob(file: FileRecord, range?: ByteRange): Promise<OpenBlob> {
    return openBlob({ context: this.#context, missing: this.#missing, file, range });
  }

  /** Throws `namespace_not_found`. */
  list(namespace: NamespaceName, query: ListQuery): Promise<ReadAnswer<ListPage>> {
    return this.#context.reads.read((source) => source.listFiles(namespace, query));
  }

  /** See `deleteFile`. */
  delete(request: DeleteRequest): Promise<number> {
    return deleteFile(this.#context, request);
  }

  /** See `changeFiles`. */
  batch(request: BatchRequest): Promise<ChangeOutcome[]> {
    return changeFiles(this.#context, request);
  }
}

async function getFileFrom(source: ReadSource, namespace: NamespaceName, key: FileKey): Promise<FileRecord> {
  const file = await source.findFile(namespace, key);
  if (file !== undefined) return file;
  if ((await source.findNamespace(namespace)) === undefined) {
    throw new KoboldError("namespace_not_found", `no namespace ${namespace}`);
  }
  throw new KoboldError("not_found", `no file ${key} in ${namespace}`);
}
