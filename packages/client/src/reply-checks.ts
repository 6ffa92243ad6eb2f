import {
  type BatchReply,
  type ChangeInfo,
  type ChangePosition,
  type DeletedListReply,
  type DirectUrlReply,
  type FileInfo,
  isDigest,
  type ListReply,
  type NamespaceInfo,
  type NodeInfo,
  type NodePlan,
  type PurgeReply,
  type PutReply,
  type RestoreReply,
  type ScrubReply,
  type SoleBlobsReply,
  type StatusReply,
  type TransactionInfo,
  type TransactionListReply,
  type TransactionReply,
  type VersionInfo,
  type VersionListReply,
  type WebhookInfo,
  type WebhookSecret,
} from "@koboldfs/protocol";
import type { TransportResponse } from "./platform.js";
import { AttemptFailure } from "./session/attempt-failure.js";

/** A page of a listing: a thousand files with 1 KiB of key and 8 KiB of metadata each, escaped. */
const MAX_REPLY_BYTES = 64 * 1024 * 1024;

/** The checks of what servers answer: a reply that lacks what the client relies on fails here, not somewhere later. */
export async function readJson(response: TransportResponse): Promise<unknown> {
  const bytes = await response.readBytes(MAX_REPLY_BYTES);
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
  } catch {
    throw AttemptFailure.invalidResponse(`the server's answer (${response.status}) is not JSON`);
  }
}

export function checkPutReply(reply: unknown): PutReply {
  const { digest, size, version, copies, wanted } = record(reply);
  need(typeof digest === "string" && isDigest(digest), "digest");
  need([size, version, copies, wanted].every(isCount), "size, version, copies, wanted");
  return reply as PutReply;
}

export function checkListReply(reply: unknown): ListReply {
  const { files, prefixes, next } = record(reply);
  need(Array.isArray(files) && files.every(isFileInfo), "files");
  need(Array.isArray(prefixes) && prefixes.every(isString), "prefixes");
  need(next === undefined || isString(next), "next");
  return reply as ListReply;
}

export function checkDirectUrl(reply: unknown): DirectUrlReply {
  const { url, expires } = record(reply);
  need(isString(url) && (expires === undefined || isString(expires)), "url, expires");
  return reply as DirectUrlReply;
}

export function checkVersionList(reply: unknown): VersionListReply {
  const { versions, next } = record(reply);
  need(Array.isArray(versions) && versions.every(isVersionInfo), "versions");
  need(next === undefined || isCount(next), "next");
  return reply as VersionListReply;
}

export function checkDeletedList(reply: unknown): DeletedListReply {
  const { files, next } = record(reply);
  need(Array.isArray(files) && files.every(isFileInfo), "files");
  need(next === undefined || isString(next), "next");
  return reply as DeletedListReply;
}

export function checkRestore(reply: unknown): RestoreReply {
  const { version, restored, removed } = record(reply);
  need([version, restored, removed].every(isCount), "version, restored, removed");
  return reply as RestoreReply;
}

export function checkPurge(reply: unknown): PurgeReply {
  const { purged, pending } = record(reply);
  need(isCount(purged) && Array.isArray(pending) && pending.every(isString), "purged, pending");
  return reply as PurgeReply;
}

export function checkBatchReply(reply: unknown, operations: number): BatchReply {
  const { results } = record(reply);
  need(Array.isArray(results) && results.length === operations && results.every(isBatchResult), "results");
  return reply as BatchReply;
}

export function checkNamespace(reply: unknown): NamespaceInfo {
  need(isNamespaceInfo(reply), "namespace");
  return reply as NamespaceInfo;
}

export function checkNamespaces(reply: unknown): NamespaceInfo[] {
  const { namespaces } = record(reply);
  need(Array.isArray(namespaces) && namespaces.every(isNamespaceInfo), "namespaces");
  return namespaces as NamespaceInfo[];
}

export function checkNodes(reply: unknown): NodeInfo[] {
  const { nodes } = record(reply);
  need(Array.isArray(nodes) && nodes.every(isNodeInfo), "nodes");
  return nodes as NodeInfo[];
}

export function checkNodePlan(reply: unknown): NodePlan {
  const { node, state, order, holders, filling, owedFiles, onlyHereFiles, isDispensable } = record(reply);
  need([node, state, order].every(isString), "node, state, order");
  need(
    [holders, filling].every((list) => Array.isArray(list) && list.every(isString)),
    "holders, filling",
  );
  need([owedFiles, onlyHereFiles].every(isCount) && typeof isDispensable === "boolean", "owedFiles, onlyHereFiles");
  return reply as NodePlan;
}

export function checkSoleBlobs(reply: unknown): SoleBlobsReply {
  const { blobs } = record(reply);
  need(Array.isArray(blobs) && blobs.every((blob) => isString((blob as Partial<FileInfo> | null)?.digest)), "blobs");
  return reply as SoleBlobsReply;
}

export function checkScrubs(reply: unknown): ScrubReply {
  const { nodes } = record(reply);
  need(Array.isArray(nodes) && nodes.every(isNodeScrub), "nodes");
  return reply as ScrubReply;
}

export function checkStatus(reply: unknown): StatusReply {
  const { cluster, node, catalog, head } = record(reply);
  need([cluster, node, catalog].every(isString) && isCount(head), "cluster, node, catalog, head");
  checkNodes(reply);
  checkNamespaces(reply);
  return reply as StatusReply;
}

export function checkTransaction(reply: unknown): TransactionInfo {
  need(isTransaction(reply), "transaction");
  return reply as TransactionInfo;
}

export function checkTransactionReply(reply: unknown): TransactionReply {
  need(isTransaction(reply) && Array.isArray(record(reply)["staged"]), "transaction");
  return reply as TransactionReply;
}

export function checkTransactions(reply: unknown): TransactionListReply {
  const { transactions, next } = record(reply);
  need(Array.isArray(transactions) && transactions.every(isTransaction), "transactions");
  need(next === undefined || isString(next), "next");
  return reply as TransactionListReply;
}

/** One line of an answer of changes. */
export function checkChangeLine(line: unknown): ChangeInfo | ChangePosition {
  const { number, kind, namespace, key, version, position, head } = record(line);
  if (position !== undefined) need(isCount(position) && isCount(head), "position, head");
  else need([number, version].every(isCount) && [kind, namespace, key].every(isString), "number, version, kind, key");
  return line as ChangeInfo | ChangePosition;
}

export function checkWebhooks(reply: unknown): WebhookInfo[] {
  const { webhooks } = record(reply);
  need(Array.isArray(webhooks) && webhooks.every(isWebhookInfo), "webhooks");
  return webhooks as WebhookInfo[];
}

export function checkWebhookSecret(reply: unknown): WebhookSecret {
  need(isWebhookInfo(reply) && isString((reply as Partial<WebhookSecret>).secret), "webhook, secret");
  return reply as WebhookSecret;
}

function record(value: unknown): Record<string, unknown> {
  need(typeof value === "object" && value !== null, "object");
  return value as Record<string, unknown>;
}

function need(holds: boolean, what: string): asserts holds {
  if (!holds) throw AttemptFailure.invalidResponse(`the server's answer lacks a valid ${what}`);
}

function isString(value: unknown): boolean {
  return typeof value === "string";
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

export function isFileInfo(value: unknown): boolean {
  const file = value as Partial<FileInfo> | null;
  return isString(file?.key) && isDigest(file?.digest ?? "") && isCount(file?.size) && isCount(file?.version);
}

function isVersionInfo(value: unknown): boolean {
  const version = value as Partial<VersionInfo> | null;
  return isCount(version?.version) && isString(version?.modified) && typeof version?.deleted === "boolean";
}

function isBatchResult(value: unknown): boolean {
  const result = value as { ok?: unknown; version?: unknown; error?: { code?: unknown } } | null;
  return result?.ok === true ? isCount(result.version) : result?.ok === false && isString(result.error?.code);
}

function isNamespaceInfo(value: unknown): boolean {
  const namespace = value as Partial<NamespaceInfo> | null;
  return isString(namespace?.name) && isCount(namespace?.files) && isString(namespace?.bytes);
}

function isNodeScrub(value: unknown): boolean {
  const { node, scrub } = (value ?? {}) as Partial<ScrubReply["nodes"][number]>;
  return isString(node) && (scrub === undefined || typeof scrub.proven === "number");
}

function isWebhookInfo(value: unknown): boolean {
  const webhook = value as Partial<WebhookInfo> | null;
  return isString(webhook?.id) && isString(webhook?.url) && [webhook?.position, webhook?.failures].every(isCount);
}

function isTransaction(value: unknown): boolean {
  const info = value as Partial<TransactionInfo> | null;
  return [info?.id, info?.state, info?.begun].every(isString) && isCount(info?.changes) && isCount(info?.bytes);
}

function isNodeInfo(value: unknown): boolean {
  const node = value as Partial<NodeInfo> | null;
  return [node?.id, node?.name, node?.url, node?.state].every(isString);
}
