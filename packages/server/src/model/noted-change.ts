import type { ChangeInfo, FileKey, NamespaceName } from "@koboldfs/protocol";
import type { FileContent } from "./change.js";
import type { JournalEntry } from "./journal-entry.js";
import type { JournalGroupContent } from "./journal-group.js";

/** A change of a file, as who follows the journal is told of it. */
export interface NotedChange {
  readonly number: number;
  readonly kind: "put" | "delete" | "purge";
  readonly namespace: NamespaceName;
  readonly key: FileKey;
  /** The version that the change made; of a purge the one that it took away. */
  readonly version: number;
  readonly timeMs: number;
  /** Of a put everything, of a purge only what is proven to be gone. */
  readonly content?: FileContent | Pick<FileContent, "digest">;
}

/** Whose changes somebody follows. */
export interface ChangeFilter {
  /** Absent: the whole cluster. */
  readonly namespace?: NamespaceName;
  /** Keys that begin so. */
  readonly prefix?: string;
}

/** What of a group concerns files that the filter lets through, in order. */
export function listNotedChanges(group: JournalGroupContent, filter: ChangeFilter = {}): NotedChange[] {
  const { timeMs } = group;
  return group.entries.flatMap((entry) => {
    const change = noteEntry(entry, timeMs);
    return change !== undefined && passes(change, filter) ? [change] : [];
  });
}

export function passes({ namespace, key }: NotedChange, filter: ChangeFilter): boolean {
  return (filter.namespace ?? namespace) === namespace && key.startsWith(filter.prefix ?? "");
}

/** Settings and horizons are no changes of files: they have numbers, which followers pass over. */
function noteEntry(entry: JournalEntry, timeMs: number): NotedChange | undefined {
  const { kind, number } = entry;
  if (kind !== "put" && kind !== "delete" && kind !== "purge") return undefined;
  const { namespace, key } = entry;
  const change = { number, kind, namespace, key, version: number, timeMs };
  if (kind === "delete") return change;
  if (kind === "put") return { ...change, content: entry.content };
  return { ...change, version: entry.version, content: { digest: entry.digest } };
}

/** The change as clients and webhooks are told of it. */
export function toChangeInfo(change: NotedChange): ChangeInfo {
  const { number, kind, namespace, key, version, timeMs, content } = change;
  const time = new Date(timeMs).toISOString();
  if (content === undefined) return { number, kind, namespace, key, version, time };
  if (!("sizeBytes" in content)) return { number, kind, namespace, key, version, digest: content.digest, time };
  const { digest, sizeBytes: size, contentType, metadata, expiresMs } = content;
  return {
    ...{ number, kind, namespace, key, version, digest, size, contentType, metadata, time },
    ...(expiresMs !== undefined && { expires: new Date(expiresMs).toISOString() }),
  };
}
