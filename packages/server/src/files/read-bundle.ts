import {
  type Digest,
  type FileKey,
  KoboldError,
  MAX_BUNDLE_BYTES,
  MAX_BUNDLED_FILE_BYTES,
  type NamespaceName,
} from "@koboldfs/protocol";
import type { OpenBlob } from "../blobs/blob-store.js";
import type { FileRecord } from "../model/change.js";
import type { CatalogReads, ReadAnswer } from "./catalog-reads.js";

export interface WantedFile {
  readonly key: FileKey;
  /** Only when the file has this digest. */
  readonly ifMatch?: Digest;
}

/** One file of a bundle: all of its bytes, checked, or why there are none. */
export type Bundled =
  | { readonly ok: true; readonly file: FileRecord; readonly bytes: Buffer }
  | { readonly ok: false; readonly key: FileKey; readonly error: KoboldError };

export interface BundleSource {
  readonly reads: Pick<CatalogReads, "read">;
  /** The bytes of a file. Throws `blob_unavailable`. */
  open(file: FileRecord): Promise<OpenBlob>;
}

/** Blobs that are read ahead of the one that is sent: enough to keep a disk busy, and with their limit 2 MiB at most. */
const READ_AHEAD = 8;

/**
 * The small files with these names, one result for each, in order. All names are looked up before the first byte is read,
 * so every file is what its key named at a moment of this call. Throws `namespace_not_found`; what concerns one file
 * alone is its result.
 */
export async function readBundle(
  source: BundleSource,
  namespace: NamespaceName,
  wanted: readonly WantedFile[],
): Promise<ReadAnswer<AsyncIterable<Bundled>>> {
  const { value: found, asOf } = await source.reads.read(async (catalog) => {
    const files = await Promise.all(wanted.map(({ key }) => catalog.findFile(namespace, key)));
    // Where one is found there is a namespace.
    if (files.every((file) => file === undefined) && (await catalog.findNamespace(namespace)) === undefined) {
      throw new KoboldError("namespace_not_found", `no namespace ${namespace}`);
    }
    return files;
  });
  const missing = asOf === undefined ? "not_found" : "unknown_as_of";
  const plan = new BundlePlan(missing);
  const entries = wanted.map((name, index) => plan.decide(name, found[index]));
  return { value: readAhead(source, entries), ...(asOf !== undefined && { asOf }) };
}

/** Decides file by file what goes into a bundle. */
class BundlePlan {
  readonly #missing: "not_found" | "unknown_as_of";
  #bytes = 0;

  constructor(missing: "not_found" | "unknown_as_of") {
    this.#missing = missing;
  }

  decide({ key, ifMatch }: WantedFile, file: FileRecord | undefined): FileRecord | Bundled {
    const refuse = (error: KoboldError): Bundled => ({ ok: false, key, error });
    if (file === undefined) return refuse(new KoboldError(this.#missing, `no file ${key}`));
    if (ifMatch !== undefined && file.digest !== ifMatch) {
      return refuse(new KoboldError("precondition_failed", `${key} is not in the demanded state`));
    }
    if (file.sizeBytes > MAX_BUNDLED_FILE_BYTES || this.#bytes + file.sizeBytes > MAX_BUNDLE_BYTES) {
      return refuse(new KoboldError("too_large", `${key} does not fit into the bundle: get it by itself`));
    }
    this.#bytes += file.sizeBytes;
    return file;
  }
}

async function* readAhead(
  source: BundleSource,
  entries: readonly (FileRecord | Bundled)[],
): AsyncGenerator<Bundled, void, undefined> {
  const coming: Promise<Bundled>[] = [];
  let begun = 0;
  for (let sent = 0; sent < entries.length; sent += 1) {
    for (; begun < Math.min(entries.length, sent + READ_AHEAD); begun += 1) {
      coming.push(resolveEntry(source, entries[begun]));
    }
    const next = coming.shift();
    if (next !== undefined) yield await next;
  }
}

/** Never rejects with what concerns one file, so one that is read ahead and not wanted any more fails unseen. */
async function resolveEntry(source: BundleSource, entry: FileRecord | Bundled | undefined): Promise<Bundled> {
  if (entry === undefined) throw new Error("a bundle has no such entry");
  if ("ok" in entry) return entry;
  try {
    return { ok: true, file: entry, bytes: await readWhole(await source.open(entry)) };
  } catch (error) {
    const coded = error instanceof KoboldError ? error : new KoboldError("internal", "unforeseen", { cause: error });
    return { ok: false, key: entry.key, error: coded };
  }
}

async function readWhole({ content }: OpenBlob): Promise<Buffer> {
  if (Buffer.isBuffer(content)) return content;
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
