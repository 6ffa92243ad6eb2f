import {
  type ChangeInfo,
  type DeletedFileInfo,
  parseFileKey,
  type PurgeReply,
  type RestoreReply,
  type VersionInfo,
} from "@koboldfs/protocol";
import type { BatchSender } from "./batch-sender.js";
import { followChanges } from "./change-follower.js";
import type { CallOptions, ChangesOptions, CopyOptions, ListOptions } from "./client-options.js";
import { ClusterClient } from "./cluster-client.js";
import type { ClusterFace } from "./cluster-face.js";
import { HistoryFace } from "./history-face.js";
import type { Session } from "./session/session.js";

export interface HistoryClientParts {
  readonly session: Session;
  readonly namespace: string;
  readonly cluster: ClusterFace;
  readonly batches: BatchSender;
}

/** What the keys of one namespace named before, and what becomes of them from now on. */
export class HistoryClient extends ClusterClient {
  readonly namespace: string;
  readonly #session: Session;
  readonly #batches: BatchSender;
  readonly #history: HistoryFace;

  constructor({ session, namespace, cluster, batches }: HistoryClientParts) {
    super(cluster);
    this.namespace = namespace;
    this.#session = session;
    this.#batches = batches;
    this.#history = new HistoryFace(session, namespace);
  }

  /**
   * What changes in this namespace, in the order of the commits and without a gap: the loop goes on until it is left, the
   * signal fires or the client is closed. It moves to another server by itself. Who keeps the `number` of the last change
   * that was dealt with goes on from there the next time, and meets a change twice at most when it died in between.
   *
   * Throws `changes_gone` when `after` lies so far back that not everything is known any more: list the files `asOf` the
   * `head` of `status()`, then follow from that number.
   *
   * ```ts
   * const { head } = await client.status();
   * await client.put("inbox/letter", Buffer.from("Dear all"));
   * await client.delete("inbox/letter");
   * const seen: string[] = [];
   * for await (const { kind, key } of client.changes({ after: head, prefix: "inbox/" })) {
   *   seen.push(`${kind} ${key}`);
   *   if (seen.length === 2) break;
   * }
   * seen; // => ["put inbox/letter", "delete inbox/letter"]
   * ```
   */
  changes(options: ChangesOptions = {}): AsyncIterable<ChangeInfo> {
    return followChanges(this.#session, options, this.namespace);
  }

  /** The states of a key that can still be read, the newest first. */
  versions(key: string, options: CallOptions = {}): AsyncIterable<VersionInfo> {
    return this.#history.versions(key, options);
  }

  /** Keys that were deleted and can be undeleted, in byte order, with their last content. */
  listDeleted(options: ListOptions = {}): AsyncIterable<DeletedFileInfo> {
    return this.#history.deleted(options);
  }

  /** Makes the last content of a deleted key current again. Throws `not_deleted` or `not_found`. */
  undelete(key: string, options: CallOptions = {}): Promise<{ version: number }> {
    return this.#batches.one({ op: "undelete", key }, options);
  }

  /** Makes the content of an older version current, as a new version. Throws `version_not_found`. */
  restore(key: string, version: number, options: CopyOptions = {}): Promise<{ version: number }> {
    return this.#batches.restore(key, version, options);
  }

  /**
   * Makes every key that begins so what it was as of a journal number or an RFC 3339 time, in one commit; `too_large`
   * when that is more than a commit takes: then nothing has changed.
   */
  restorePrefix(prefix: string, asOf: string, options: CallOptions = {}): Promise<RestoreReply> {
    return this.#history.restorePrefix(prefix, asOf, options);
  }

  /** Removes one version, or all with the file, for ever and at once. Throws `not_found` or `version_not_found`. */
  purge(key: string, options: CallOptions & { readonly version?: number } = {}): Promise<PurgeReply> {
    return this.#history.purge(parseFileKey(key), options.version, options);
  }
}
