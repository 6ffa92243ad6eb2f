import { parseFileKey, parseNamespaceName, type NodeId } from "@koboldfs/protocol";
import type { Expiry } from "./change.js";
import { readContent, readInteger, readList, readText, sortPairs } from "./journal-fields.js";
import type { StagedChange } from "./staged-change.js";
import { isTransactionId, type TransactionId, type TransactionRow } from "./transaction.js";

/** What of a transaction the journal knows besides its changes. */
export type JournaledTransaction = Pick<TransactionRow, "id" | "owner" | "begunMs" | "ttlMs">;

/** The transaction holds these keys, and its commit cannot fail any more. */
export interface PrepareEntry {
  readonly kind: "prepare";
  readonly number: number;
  readonly transaction: JournaledTransaction;
  readonly changes: readonly StagedChange[];
}

/** The `span` entries behind this one, in the same group, are what the transaction did: all became current at once. */
export interface CommitEntry {
  readonly kind: "commit";
  readonly number: number;
  readonly transaction: JournaledTransaction;
  readonly changes: number;
  readonly stagedBytes: number;
  readonly span: number;
}

/** Nothing came of a transaction that was prepared. */
export interface AbortEntry {
  readonly kind: "abort";
  readonly number: number;
  readonly transaction: JournaledTransaction;
  readonly changes: number;
  readonly stagedBytes: number;
}

type TransactionEntry = PrepareEntry | CommitEntry | AbortEntry;

/** See `formatJournalEntry`. */
export function formatTransactionEntry(entry: TransactionEntry): string {
  const { kind, number } = entry;
  const { id: transaction, owner, begunMs, ttlMs } = entry.transaction;
  const fields = { number, kind, transaction, owner, begunMs, ttlMs };
  if (entry.kind === "prepare") return JSON.stringify({ ...fields, changes: entry.changes.map(formatStaged) });
  const { changes, stagedBytes } = entry;
  const counts = { changes, stagedBytes };
  return JSON.stringify({ ...fields, ...counts, ...(entry.kind === "commit" && { span: entry.span }) });
}

function formatStaged({ kind, namespace, key, content, expires, ...rest }: StagedChange): object {
  const { placedOn, stagedAt, minCopies, seen } = rest;
  const base = { kind, namespace, key, ...(seen !== undefined && { seen }) };
  if (content === undefined) return { ...base, stagedAt };
  const { digest, sizeBytes, contentType, metadata } = content;
  const blob = { digest, sizeBytes, contentType, metadata: sortPairs(metadata) };
  return { ...base, ...blob, expires, minCopies, placedOn, stagedAt };
}

/** See `parseJournalEntry`. */
export function readTransactionEntry(
  kind: TransactionEntry["kind"],
  fields: Record<string, unknown>,
): TransactionEntry {
  const number = readInteger(fields["number"]);
  const transaction = readTransaction(fields);
  if (kind === "prepare") {
    const changes = readList(fields["changes"]).map((one) => readStaged(transaction.id, one));
    return { kind, number, transaction, changes };
  }
  const [changes, stagedBytes] = [readInteger(fields["changes"]), readInteger(fields["stagedBytes"])];
  if (kind === "abort") return { kind, number, transaction, changes, stagedBytes };
  return { kind, number, transaction, changes, stagedBytes, span: readInteger(fields["span"]) };
}

function readTransaction(fields: Record<string, unknown>): JournaledTransaction {
  const id = readText(fields["transaction"]);
  if (!isTransactionId(id)) throw new TypeError("not a transaction's id");
  const owner = readText(fields["owner"]);
  return { id, owner, begunMs: readInteger(fields["begunMs"]), ttlMs: readInteger(fields["ttlMs"]) };
}

function readStaged(transaction: TransactionId, value: unknown): StagedChange {
  if (typeof value !== "object" || value === null) throw new TypeError("a staged change is missing");
  const fields = value as Record<string, unknown>;
  const kind = fields["kind"];
  if (kind !== "put" && kind !== "delete" && kind !== "read") throw new TypeError("not a kind of staged change");
  const ref = {
    namespace: parseNamespaceName(readText(fields["namespace"])),
    key: parseFileKey(readText(fields["key"])),
  };
  const seen = fields["seen"];
  const rest = { stagedAt: readInteger(fields["stagedAt"]), ...(seen !== undefined && { seen: readInteger(seen) }) };
  if (kind !== "put") return { transaction, kind, ...ref, placedOn: [], ...rest };
  const { expires, minCopies } = fields;
  return {
    ...{ transaction, kind, ...ref, content: readContent(fields) },
    ...(expires !== undefined && { expires: readExpiry(expires) }),
    ...(minCopies !== undefined && { minCopies: readInteger(minCopies) }),
    ...{ placedOn: readList(fields["placedOn"]).map((node) => readText(node) as NodeId), ...rest },
  };
}

function readExpiry(value: unknown): Expiry {
  if (value === "never") return "never";
  if (typeof value !== "object" || value === null) throw new TypeError("not an expiry");
  const { atMs, afterMs } = value as Record<string, unknown>;
  return atMs === undefined ? { afterMs: readInteger(afterMs) } : { atMs: readInteger(atMs) };
}
