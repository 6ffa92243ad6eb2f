import {
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
import { NODE_STATES } from "./node-state.js";

/** One numbered change of the cluster. A mirror that replays them in order knows everything the catalog knows. */
export type JournalEntry = PutEntry | DeleteEntry | NamespaceEntry | NamespaceDropEntry | NodeEntry;

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
      return JSON.stringify({ ...fields, metadata: sortPairs(entry.content.metadata) });
    }
    case "delete":
      return JSON.stringify({ number, kind, namespace: entry.namespace, key: entry.key });
    case "namespace": {
      const { minCopies, urlTemplate } = entry.policy;
      return JSON.stringify({ number, kind, namespace: entry.namespace, minCopies, urlTemplate });
    }
    case "namespace-drop":
      return JSON.stringify({ number, kind, namespace: entry.namespace });
    case "node": {
      const { id, name, url, zone, state, volumes } = entry.node;
      return JSON.stringify({ number, kind, id, name, url, zone, state, volumes });
    }
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
  if (fields["kind"] === "node") return { kind: "node", number, node: readNode(fields) };
  const namespace = parseNamespaceName(readText(fields["namespace"]));
  switch (fields["kind"]) {
    case "put": {
      const key = parseFileKey(readText(fields["key"]));
      return { kind: "put", number, namespace, key, content: readContent(fields) };
    }
    case "delete":
      return { kind: "delete", number, namespace, key: parseFileKey(readText(fields["key"])) };
    case "namespace": {
      const minCopies = readInteger(fields["minCopies"]);
      const template = fields["urlTemplate"];
      const policy = template === undefined ? { minCopies } : { minCopies, urlTemplate: readText(template) };
      return { kind: "namespace", number, namespace, policy };
    }
    case "namespace-drop":
      return { kind: "namespace-drop", number, namespace };
    default:
      throw new TypeError("unknown kind");
  }
}

function readContent(fields: Record<string, unknown>): FileContent {
  return {
    digest: parseDigest(readText(fields["digest"])),
    sizeBytes: readInteger(fields["sizeBytes"]),
    contentType: readText(fields["contentType"]),
    metadata: Object.fromEntries(readList(fields["metadata"]).map(readPair)),
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

function readState(value: unknown): NodeSettings["state"] {
  const text = readText(value);
  if (text === "down" || !Object.hasOwn(NODE_STATES, text)) throw new TypeError(`not a node state: ${text}`);
  return text as NodeSettings["state"];
}

function readText(value: unknown): string {
  if (typeof value !== "string") throw new TypeError("a text is missing");
  return value;
}

function readInteger(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new TypeError("a number is missing");
  return value as number;
}

function readList(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new TypeError("a list is missing");
  return value;
}

function readPair(value: unknown): [string, string] {
  const [name, text] = readList(value);
  return [readText(name), readText(text)];
}

/** Pairs, because JSON objects move names that look like numbers to the front. */
function sortPairs(metadata: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
}
