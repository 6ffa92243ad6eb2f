import {
  type Digest,
  type FileKey,
  KoboldError,
  type NamespaceName,
  type NamespacePolicy,
  type NodeId,
  parseDigest,
  parseFileKey,
  parseNamespaceName,
  parseNodeName,
} from "@koboldfs/protocol";
import type { FileContent, NodeSettings } from "./change.js";
import { readContent, readInteger, readList, readText, sortPairs } from "./journal-fields.js";
import { NODE_STATES } from "./node-state.js";
import {
  type AbortEntry,
  type CommitEntry,
  formatTransactionEntry,
  type PrepareEntry,
  readTransactionEntry,
} from "./transaction-entry.js";
import type { WebhookSettings } from "./webhook.js";

/** One numbered change of the cluster. A mirror that replays them in order knows everything the catalog knows. */
export type JournalEntry =
  | PutEntry
  | DeleteEntry
  | PurgeEntry
  | HorizonEntry
  | NamespaceEntry
  | NamespaceDropEntry
  | NodeEntry
  | PrepareEntry
  | CommitEntry
  | AbortEntry
  | WebhookEntry
  | WebhookDropEntry;

export interface PutEntry {
  readonly kind: "put";
  readonly number: number;
  readonly namespace: NamespaceName;
  readonly key: FileKey;
  readonly content: FileContent;
}

export interface DeleteEntry {
  readonly kind: "delete";
  readonly number: number;
  readonly namespace: NamespaceName;
  readonly key: FileKey;
}

/**
 * One version of a key is gone for ever. Who keeps a live set must handle it: when the version is the current one, the
 * key names nothing any more; and no older version becomes current.
 */
export interface PurgeEntry {
  readonly kind: "purge";
  readonly number: number;
  readonly namespace: NamespaceName;
  readonly key: FileKey;
  readonly version: number;
  /** Of the content that is gone, for the proof; other versions may have the same. */
  readonly digest: Digest;
}

/** Of this namespace's history only what the live files need is kept up to `horizon`. Changes no live file. */
export interface HorizonEntry {
  readonly kind: "horizon";
  readonly number: number;
  readonly namespace: NamespaceName;
  readonly horizon: number;
}

export interface NamespaceEntry {
  readonly kind: "namespace";
  readonly number: number;
  readonly namespace: NamespaceName;
  readonly policy: NamespacePolicy;
}

export interface NamespaceDropEntry {
  readonly kind: "namespace-drop";
  readonly number: number;
  readonly namespace: NamespaceName;
}

export interface NodeEntry {
  readonly kind: "node";
  readonly number: number;
  readonly node: NodeSettings;
}

export interface WebhookEntry {
  readonly kind: "webhook";
  readonly number: number;
  readonly webhook: WebhookSettings;
}

export interface WebhookDropEntry {
  readonly kind: "webhook-drop";
  readonly number: number;
  readonly id: string;
}

/**
 * The entry's canonical line, without the line end: JSON whose fields stand in the order written here. JSON escapes
 * line ends and lone surrogates, so that a line is one line and always UTF-8.
 */
export function formatJournalEntry(entry: JournalEntry): string {
  const { kind, number } = entry;
  switch (entry.kind) {
    case "put": {
      const { digest, sizeBytes, contentType } = entry.content;
      const fields = { number, kind, namespace: entry.namespace, key: entry.key, digest, sizeBytes, contentType };
      const { metadata, expiresMs } = entry.content;
      return JSON.stringify({ ...fields, metadata: sortPairs(metadata), expiresMs });
    }
    case "delete":
      return JSON.stringify({ number, kind, namespace: entry.namespace, key: entry.key });
    case "purge": {
      const { namespace, key, version, digest } = entry;
      return JSON.stringify({ number, kind, namespace, key, version, digest });
    }
    case "horizon":
      return JSON.stringify({ number, kind, namespace: entry.namespace, horizon: entry.horizon });
    case "namespace": {
      const { minCopies, urlTemplate, retentionMs, expireAfterMs, maxFiles, maxBytes } = entry.policy;
      const policy = { minCopies, urlTemplate, retentionMs, expireAfterMs, maxFiles, maxBytes };
      return JSON.stringify({ number, kind, namespace: entry.namespace, ...policy });
    }
    case "namespace-drop":
      return JSON.stringify({ number, kind, namespace: entry.namespace });
    case "node": {
      const { id, name, url, zone, state, volumes } = entry.node;
      return JSON.stringify({ number, kind, id, name, url, zone, state, volumes });
    }
    case "prepare":
    case "commit":
    case "abort":
      return formatTransactionEntry(entry);
    case "webhook": {
      const { id, url, namespace, prefix } = entry.webhook;
      return JSON.stringify({ number, kind, id, url, namespace, prefix });
    }
    case "webhook-drop":
      return JSON.stringify({ number, kind, id: entry.id });
  }
}

/** Reads what `formatJournalEntry` wrote. Throws `internal` for anything else: a journal is never guessed at. */
export function parseJournalEntry(line: string): JournalEntry {
  try {
    const fields: unknown = JSON.parse(line);
    if (typeof fields !== "object" || fields === null) throw new TypeError("not an object");
    return readEntry(fields as Record<string, unknown>);
  } catch (cause) {
    throw new KoboldError("internal", `not a journal entry: ${line.slice(0, 200)}`, { cause });
  }
}

function readEntry(fields: Record<string, unknown>): JournalEntry {
  const number = readInteger(fields["number"]);
  const { kind } = fields;
  if (kind === "prepare" || kind === "commit" || kind === "abort") return readTransactionEntry(kind, fields);
  if (fields["kind"] === "node") return { kind: "node", number, node: readNode(fields) };
  if (fields["kind"] === "webhook") return { kind: "webhook", number, webhook: readWebhook(fields) };
  if (fields["kind"] === "webhook-drop") return { kind: "webhook-drop", number, id: readText(fields["id"]) };
  const namespace = parseNamespaceName(readText(fields["namespace"]));
  switch (fields["kind"]) {
    case "put": {
      const key = parseFileKey(readText(fields["key"]));
      return { kind: "put", number, namespace, key, content: readContent(fields) };
    }
    case "delete":
      return { kind: "delete", number, namespace, key: parseFileKey(readText(fields["key"])) };
    case "purge": {
      const [key, digest] = [parseFileKey(readText(fields["key"])), parseDigest(readText(fields["digest"]))];
      return { kind: "purge", number, namespace, key, version: readInteger(fields["version"]), digest };
    }
    case "horizon":
      return { kind: "horizon", number, namespace, horizon: readInteger(fields["horizon"]) };
    case "namespace":
      return { kind: "namespace", number, namespace, policy: readPolicy(fields) };
    case "namespace-drop":
      return { kind: "namespace-drop", number, namespace };
    default:
      throw new TypeError("unknown kind");
  }
}

function readPolicy(fields: Record<string, unknown>): NamespacePolicy {
  const { minCopies, urlTemplate, retentionMs, expireAfterMs, maxFiles, maxBytes } = fields;
  return {
    minCopies: readInteger(minCopies),
    ...(urlTemplate !== undefined && { urlTemplate: readText(urlTemplate) }),
    ...(retentionMs !== undefined && { retentionMs: readInteger(retentionMs) }),
    ...(expireAfterMs !== undefined && { expireAfterMs: readInteger(expireAfterMs) }),
    ...(maxFiles !== undefined && { maxFiles: readInteger(maxFiles) }),
    ...(maxBytes !== undefined && { maxBytes: readInteger(maxBytes) }),
  };
}

function readNode(fields: Record<string, unknown>): NodeSettings {
  return {
    id: readText(fields["id"]) as NodeId,
    name: parseNodeName(readText(fields["name"])),
    url: readText(fields["url"]),
    zone: readText(fields["zone"]),
    state: readState(fields["state"]),
    volumes: readList(fields["volumes"]).map(readText),
  };
}

function readWebhook(fields: Record<string, unknown>): WebhookSettings {
  const { id, url, namespace, prefix } = fields;
  return {
    ...{ id: readText(id), url: readText(url), prefix: readText(prefix) },
    ...(namespace !== undefined && { namespace: parseNamespaceName(readText(namespace)) }),
  };
}

function readState(value: unknown): NodeSettings["state"] {
  const text = readText(value);
  if (text === "down" || !Object.hasOwn(NODE_STATES, text)) throw new TypeError(`not a node state: ${text}`);
  return text as NodeSettings["state"];
}
