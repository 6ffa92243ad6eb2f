import { type FileKey, KoboldError, type NamespaceName, type PurgeReply, type RestoreReply } from "@koboldfs/protocol";
import type { DeletedPage, ListPage, ListQuery, VersionPage } from "../catalog/catalog.js";
import type { FileRecord } from "../model/change.js";
import { MAX_PURGED_VERSIONS } from "../model/commit-view.js";
import type { FileContext } from "./file-context.js";
import { fingerprint } from "./put-request.js";

/** A state of the past, as people name it. */
export type PastPoint = { readonly number: number } | { readonly timeMs: number };

export interface RestorePrefixRequest {
  readonly namespace: NamespaceName;
  /** Every key that begins so; empty: all of the namespace. */
  readonly prefix: string;
  readonly asOf: PastPoint;
  readonly idempotencyKey?: string;
}

export interface PurgeRequest {
  readonly namespace: NamespaceName;
  readonly key: FileKey;
  /** Absent: every version, and the file itself. */
  readonly version?: number;
}

/**
 * What keys named before, and how to have it back. Every method throws `namespace_not_found`; those with a point of
 * the past throw `history_gone` when the namespace's retention has passed since.
 */
export class FileHistory {
  readonly #context: FileContext;

  constructor(context: FileContext) {
    this.#context = context;
  }

  /** Throws `version_not_found`. */
  async getVersion(namespace: NamespaceName, key: FileKey, version: number): Promise<FileRecord> {
    const { catalog, reads } = this.#context;
    const file = await reads.readSurely(() => catalog.findVersion(namespace, key, version));
    if (file === undefined) throw new KoboldError("version_not_found", `no version ${version} of ${key}`);
    return file;
  }

  /** Throws `not_found` when there was no such file. */
  async getFileAsOf(namespace: NamespaceName, key: FileKey, asOf: PastPoint): Promise<FileRecord> {
    const { catalog, reads } = this.#context;
    const find = async () => catalog.findFileAsOf(namespace, key, await catalog.getMoment(asOf));
    const file = await reads.readSurely(find);
    if (file === undefined) throw new KoboldError("not_found", `there was no file ${key} in ${namespace}`);
    return file;
  }

  async listAsOf(namespace: NamespaceName, query: ListQuery, asOf: PastPoint): Promise<ListPage> {
    const { catalog, reads } = this.#context;
    return reads.readSurely(async () => catalog.listFilesAsOf(namespace, query, await catalog.getMoment(asOf)));
  }

  listVersions(namespace: NamespaceName, key: FileKey, page: { before?: number; limit: number }): Promise<VersionPage> {
    const { catalog, reads } = this.#context;
    return reads.readSurely(() => catalog.listVersions(namespace, key, page));
  }

  listDeleted(namespace: NamespaceName, query: Omit<ListQuery, "delimiter">): Promise<DeletedPage> {
    const { catalog, reads } = this.#context;
    return reads.readSurely(() => catalog.listDeleted(namespace, query));
  }

  /** All of it in one commit. Throws `too_large` when that is more than a commit takes: then nothing has changed. */
  async restorePrefix(request: RestorePrefixRequest): Promise<RestoreReply> {
    const { catalog, cluster, reads } = this.#context;
    const { namespace, prefix, idempotencyKey } = request;
    const asOf = await reads.checkSurely(() => catalog.getMoment(request.asOf));
    const outcome = await catalog.commit({
      ...{ kind: "restore-prefix", namespace, prefix, asOf },
      ...(idempotencyKey !== undefined && {
        idempotency: {
          key: idempotencyKey,
          fingerprint: fingerprint("restore-prefix", namespace, prefix, request.asOf),
        },
      }),
    });
    if (!outcome.ok) throw outcome.error;
    cluster.nudge(outcome.owing);
    return { version: outcome.version, restored: outcome.counts?.restored ?? 0, removed: outcome.counts?.removed ?? 0 };
  }

  /**
   * Purges in as many commits as it needs; the file itself goes with the first. A purge that is repeated removes what
   * is left, so it takes no idempotency key. Throws `not_found` or `version_not_found`.
   */
  async purge(request: PurgeRequest): Promise<PurgeReply> {
    const { catalog, cluster } = this.#context;
    const { number: before } = await catalog.head();
    let purged = 0;
    for (;;) {
      const outcome = await catalog.commit({ kind: "purge", ...request });
      if (!outcome.ok && purged > 0 && outcome.error.code === "not_found") break;
      if (!outcome.ok) throw outcome.error;
      const removed = outcome.counts?.removed ?? 0;
      purged += removed;
      if (removed < MAX_PURGED_VERSIONS) break;
    }
    const nodes = cluster.nodes();
    cluster.nudge(nodes.map(({ id }) => id));
    const { number: until } = await catalog.head();
    const pending = new Set(await catalog.listPurgingNodes({ after: before, until }));
    return { purged, pending: nodes.filter(({ id }) => pending.has(id)).map(({ name }) => name) };
  }
}
