import { createHash } from "node:crypto";
import {
  type Digest,
  type NamespacePolicy,
  parseFileKey,
  parseNamespaceName,
  parseNodeName,
  type NodeId,
} from "@koboldfs/protocol";
import type {
  DeleteChange,
  FileContent,
  NodeSettings,
  PutChange,
  BeginChange,
  FinishChange,
  SetNamespaceChange,
  SetNodeChange,
  StageableChange,
  StageChange,
} from "./change.js";
import { DEFAULT_STAGING_LIMITS, type StagingLimits, type TransactionId, type TransactionRef } from "./transaction.js";

/** Changes as tests write them: what a test does not care for has a value already. */
export const NAMESPACE = parseNamespaceName("demo");

export function digestOf(text: string): Digest {
  return createHash("sha256").update(text).digest("hex") as Digest;
}

export function nodeId(number: number): NodeId {
  return number.toString(16).padStart(16, "0") as NodeId;
}

export function contentOf(text: string, content: Partial<FileContent> = {}): FileContent {
  return { digest: digestOf(text), sizeBytes: text.length, contentType: "text/plain", metadata: {}, ...content };
}

export function putOf(key: string, text = key, change: Partial<PutChange> = {}): PutChange {
  const content = contentOf(text);
  return {
    kind: "put",
    namespace: NAMESPACE,
    key: parseFileKey(key),
    content,
    placedOn: [nodeId(1)],
    minCopies: 1,
    ...change,
  };
}

export function deleteOf(key: string, change: Partial<DeleteChange> = {}): DeleteChange {
  return { kind: "delete", namespace: NAMESPACE, key: parseFileKey(key), ...change };
}

export function setNamespaceOf(name: string = NAMESPACE, minCopies = 1): SetNamespaceChange {
  return { kind: "set-namespace", namespace: parseNamespaceName(name), policy: { minCopies } };
}

export function setQuotaOf(
  quota: Pick<NamespacePolicy, "maxFiles" | "maxBytes">,
  name: string = NAMESPACE,
): SetNamespaceChange {
  return { kind: "set-namespace", namespace: parseNamespaceName(name), policy: { minCopies: 1, ...quota } };
}

export function setNodeOf(
  number: number,
  settings: Partial<NodeSettings> = {},
): SetNodeChange & { node: NodeSettings } {
  const name = parseNodeName(`node-${number}`);
  const url = `http://127.0.0.1:${9000 + number}`;
  const node: NodeSettings = {
    id: nodeId(number),
    name,
    url,
    zone: "",
    state: "alive",
    volumes: [`v${number}`],
    ...settings,
  };
  return { kind: "set-node", node };
}

/** The transaction with this number, and who began it. */
export function transactionRef(number: number, owner = "me"): TransactionRef {
  return { id: number.toString(16).padStart(32, "0") as TransactionId, owner };
}

export function beginOf(number: number, ttlMs = 600_000): BeginChange {
  return { kind: "begin-transaction", transaction: transactionRef(number), ttlMs };
}

export function stageOf(
  number: number,
  change: StageableChange,
  limits: StagingLimits = DEFAULT_STAGING_LIMITS,
): StageChange {
  return { kind: "stage", transaction: transactionRef(number), change, limits };
}

export function finishOf(step: "prepare" | "commit" | "abort", number: number): FinishChange {
  return { kind: `${step}-transaction`, transaction: transactionRef(number) };
}
