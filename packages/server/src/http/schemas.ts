import { ERROR_TABLE, type ErrorCode, MAX_BUNDLE_FILES } from "@koboldfs/protocol";
import { COORDINATOR_PATTERN, MAX_TRANSACTION_TTL_MS, MIN_TRANSACTION_TTL_MS } from "../model/transaction.js";

/** JSON Schemas of the bodies in protocol/wire.ts: what requests are checked against and the OpenAPI document shows. */

const TEXT = { type: "string" } as const;
const TEXTS = { type: "array", items: TEXT } as const;
const STATE = { type: "string", enum: ["alive", "readonly", "draining", "down", "dead"] } as const;
const ORDER = { type: "string", enum: ["alive", "readonly", "draining", "dead"] } as const;
const COUNT = { type: "integer", minimum: 0 } as const;
const DECIMAL = { type: "string", pattern: "^[0-9]+$", description: "A number that may pass 2^53." } as const;
const TIME = { type: "string", format: "date-time" } as const;
const SHARE = { type: "number", minimum: 0, maximum: 1 } as const;
const FINDINGS = ["under-replicated", "missing", "corrupt", "orphaned", "misplaced"] as const;
const DIGEST = { type: "string", pattern: "^[0-9a-f]{64}$", description: "SHA-256 of the bytes, in hex." } as const;

/** More than one would keep of anything; it bounds what a namespace can demand. */
const MAX_MIN_COPIES = 100;
const MAX_URL_TEMPLATE_LENGTH = 2048;
export const MAX_BATCH_OPERATIONS = 1000;

/** A hundred years: beyond it times are no safe integers any more. */
const MAX_DURATION_MS = 100 * 366 * 86_400_000;

const policyProperties = {
  minCopies: { type: "integer", minimum: 1, maximum: MAX_MIN_COPIES },
  urlTemplate: { type: "string", minLength: 1, maxLength: MAX_URL_TEMPLATE_LENGTH },
  retentionMs: { type: "integer", minimum: 0, maximum: MAX_DURATION_MS },
  expireAfterMs: { type: "integer", minimum: 1, maximum: MAX_DURATION_MS },
  maxFiles: { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
  maxBytes: { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
} as const;
const OPTIONAL_OF_POLICY = Object.keys(policyProperties).filter((name) => name !== "minCopies");

/** What is known of content besides its place in the history. */
const contentProperties = {
  digest: DIGEST,
  size: COUNT,
  contentType: TEXT,
  metadata: { type: "object", additionalProperties: TEXT },
  expires: TIME,
} as const;

const transactionProperties = {
  ...{ id: TEXT, state: { type: "string", enum: ["open", "prepared", "committed", "aborted"] }, begun: TIME },
  ...{ ttlMs: COUNT, expires: TIME, prepared: TIME, finished: TIME, version: COUNT, reason: TEXT },
  ...{ changes: COUNT, bytes: COUNT },
} as const;
const OPTIONAL_OF_TRANSACTION = ["expires", "prepared", "finished", "version", "reason"];
const transactionCounts = {
  ...{ open: COUNT, prepared: COUNT, inDoubt: COUNT, stagedBytes: COUNT, oldestOpen: TIME, oldestPrepared: TIME },
} as const;
const webhookProperties = {
  ...{ id: TEXT, url: TEXT, namespace: TEXT, prefix: TEXT, position: COUNT, behind: COUNT, failures: COUNT },
  ...{ error: TEXT, delivered: TIME },
} as const;

export const SCHEMAS = [
  {
    $id: "Problem",
    description: "RFC 9457 problem details.",
    ...object(
      {
        type: TEXT,
        title: TEXT,
        status: { type: "integer" },
        code: { type: "string", enum: Object.keys(ERROR_TABLE) },
        detail: TEXT,
        hint: TEXT,
        retryable: { type: "boolean" },
        instance: { type: "string", description: "Names this one occurrence in the server's log." },
      },
      ["instance"],
    ),
  },
  {
    $id: "PutReply",
    ...object({ digest: DIGEST, size: COUNT, version: COUNT, copies: COUNT, wanted: COUNT, steps: COUNT }, ["steps"]),
  },
  {
    $id: "UploadInfo",
    ...object(
      {
        namespace: TEXT,
        key: TEXT,
        size: COUNT,
        offset: COUNT,
        expires: TIME,
        reply: refTo("PutReply"),
        error: refTo("Problem"),
      },
      ["reply", "error"],
    ),
  },
  {
    $id: "FileInfo",
    ...object(
      {
        key: TEXT,
        digest: DIGEST,
        size: COUNT,
        version: COUNT,
        contentType: TEXT,
        metadata: { type: "object", additionalProperties: TEXT },
        modified: TIME,
        expires: TIME,
      },
      ["expires"],
    ),
  },
  {
    $id: "VersionInfo",
    ...object({ version: COUNT, modified: TIME, deleted: { type: "boolean" }, ...contentProperties }, [
      ...Object.keys(contentProperties),
    ]),
  },
  { $id: "VersionListReply", ...object({ key: TEXT, versions: listOf("VersionInfo"), next: COUNT }, ["next"]) },
  {
    $id: "DeletedFileInfo",
    ...object({ key: TEXT, version: COUNT, modified: TIME, deleted: TIME, ...contentProperties }, ["expires"]),
  },
  { $id: "DeletedListReply", ...object({ files: listOf("DeletedFileInfo"), next: TEXT }, ["next"]) },
  { $id: "RestoreRequest", ...object({ prefix: TEXT, asOf: { type: "string", minLength: 1, maxLength: 64 } }) },
  { $id: "RestoreReply", ...object({ version: COUNT, restored: COUNT, removed: COUNT }) },
  { $id: "PurgeRequest", ...object({ key: TEXT, version: COUNT }, ["version"]) },
  { $id: "PurgeReply", ...object({ purged: COUNT, pending: { type: "array", items: TEXT } }) },
  {
    $id: "ChangeInfo",
    ...object(
      {
        ...{ number: COUNT, kind: { enum: ["put", "delete", "purge"] }, namespace: TEXT, key: TEXT, version: COUNT },
        ...contentProperties,
        time: TIME,
      },
      Object.keys(contentProperties),
    ),
  },
  {
    $id: "WebhookRequest",
    ...object(
      { url: { type: "string", maxLength: 2048 }, namespace: TEXT, prefix: { type: "string", maxLength: 1024 } },
      ["namespace", "prefix"],
    ),
  },
  { $id: "WebhookInfo", ...object(webhookProperties, ["namespace", "error", "delivered"]) },
  { $id: "WebhookSecret", ...object({ ...webhookProperties, secret: TEXT }, ["namespace", "error", "delivered"]) },
  { $id: "WebhookListReply", ...object({ webhooks: listOf("WebhookInfo") }) },
  { $id: "ChangePosition", ...object({ position: COUNT, head: COUNT }) },
  {
    $id: "ListReply",
    ...object({ files: listOf("FileInfo"), prefixes: { type: "array", items: TEXT }, next: TEXT }, ["next"]),
  },
  { $id: "NamespacePolicy", ...object(policyProperties, Object.keys(policyProperties)) },
  {
    $id: "NamespaceInfo",
    ...object({ name: TEXT, files: COUNT, bytes: DECIMAL, created: TIME, ...policyProperties }, OPTIONAL_OF_POLICY),
  },
  { $id: "NamespaceListReply", ...object({ namespaces: listOf("NamespaceInfo") }) },
  {
    $id: "NodeInfo",
    ...object(
      {
        id: TEXT,
        name: TEXT,
        url: TEXT,
        state: STATE,
        order: ORDER,
        zone: TEXT,
        heartbeatAgeMs: { type: "number" },
        freeBytes: COUNT,
        totalBytes: COUNT,
        debtFiles: COUNT,
        debtBytes: DECIMAL,
        debtSince: TIME,
        debtSecondsLeft: COUNT,
        backfill: SHARE,
        mirror: object({ number: COUNT, time: TEXT, lag: COUNT }),
        upkeep: refTo("NodeUpkeep"),
      },
      ["debtSince", "debtSecondsLeft", "mirror", "upkeep"],
    ),
  },
  {
    $id: "NodeUpkeep",
    description: "What a node says of its own work and disks.",
    ...object({ repair: refTo("RepairInfo"), volumes: listOf("VolumeInfo"), scrub: refTo("ScrubInfo") }),
  },
  {
    $id: "RepairInfo",
    description: "Debts that were paid, over the last minute.",
    ...object({ filesPerSecond: { type: "number" }, bytesPerSecond: { type: "number" } }),
  },
  {
    $id: "ScrubFindings",
    ...object(Object.fromEntries(FINDINGS.map((name) => [name, COUNT]))),
  },
  {
    $id: "ScrubFindingInfo",
    ...object({ finding: { enum: FINDINGS }, namespace: TEXT, digest: DIGEST, path: TEXT }, ["path"]),
  },
  {
    $id: "ScrubInfo",
    description: "How far a node's copies were read again and found good.",
    ...object({ proven: SHARE, provenSince: TIME, findings: refTo("ScrubFindings"), pass: refTo("ScrubPassInfo") }, [
      "provenSince",
      "pass",
    ]),
  },
  {
    $id: "ScrubPassInfo",
    description: "A pass over everything that a node holds, as it was ordered.",
    ...object(
      {
        ...{ state: { enum: ["running", "done"] }, repairs: { type: "boolean" }, started: TIME, ended: TIME },
        ...{ progress: SHARE, files: COUNT, bytes: COUNT, mended: COUNT },
        ...{ findings: refTo("ScrubFindings"), listed: listOf("ScrubFindingInfo") },
      },
      ["ended"],
    ),
  },
  { $id: "ScrubRequest", ...object({ node: TEXT, repairs: { type: "boolean" } }, ["node"]) },
  {
    $id: "ScrubReply",
    ...object({
      nodes: { type: "array", items: object({ node: TEXT, scrub: refTo("ScrubInfo") }, ["scrub"]) },
    }),
  },
  {
    $id: "VolumeInfo",
    ...object(
      {
        ...{ id: TEXT, path: TEXT, state: { type: "string", enum: ["good", "full", "out"] } },
        ...{ freeBytes: COUNT, totalBytes: COUNT, reason: TEXT, hint: TEXT },
      },
      ["reason", "hint"],
    ),
  },
  {
    $id: "NodePlan",
    ...object({
      ...{ node: TEXT, state: STATE, order: ORDER },
      ...{ holders: TEXTS, filling: TEXTS },
      ...{ owedFiles: COUNT, owedBytes: DECIMAL, onlyHereFiles: COUNT, onlyHereBytes: DECIMAL },
      ...{ stagedFiles: COUNT, stagedBytes: DECIMAL },
      isDispensable: { type: "boolean" },
    }),
  },
  { $id: "NodeOrderRequest", ...object({ order: ORDER, force: { type: "boolean" } }, ["force"]) },
  { $id: "SoleBlob", ...object({ namespace: TEXT, digest: DIGEST, size: COUNT }) },
  { $id: "SoleBlobsReply", ...object({ blobs: listOf("SoleBlob") }) },
  { $id: "NodeListReply", ...object({ nodes: listOf("NodeInfo") }) },
  {
    $id: "StatusReply",
    ...object(
      {
        cluster: TEXT,
        node: TEXT,
        catalog: TEXT,
        head: COUNT,
        epoch: COUNT,
        asOf: object({ number: COUNT, time: TEXT }),
        history: {
          type: "array",
          items: object({ kind: { enum: ["completed", "forked", "joined"] }, from: COUNT, to: COUNT, time: TEXT }),
        },
        nodes: listOf("NodeInfo"),
        namespaces: listOf("NamespaceInfo"),
        webhooks: listOf("WebhookInfo"),
        transactions: object(transactionCounts, ["oldestOpen", "oldestPrepared"]),
        workers: object({
          pid: COUNT,
          connections: COUNT,
          readers: {
            type: "array",
            items: object({ pid: COUNT, connections: COUNT, answered: COUNT, handedOn: COUNT }),
          },
          ended: COUNT,
        }),
      },
      ["asOf", "transactions", "workers"],
    ),
  },
  {
    $id: "BeginRequest",
    ...object(
      {
        ttlMs: { type: "integer", minimum: MIN_TRANSACTION_TTL_MS, maximum: MAX_TRANSACTION_TTL_MS },
        coordinator: { type: "string", pattern: COORDINATOR_PATTERN },
      },
      ["ttlMs", "coordinator"],
    ),
  },
  { $id: "FinishRequest", ...object({ force: { type: "boolean" }, steps: COUNT }, ["force", "steps"]) },
  { $id: "TransactionInfo", ...object(transactionProperties, OPTIONAL_OF_TRANSACTION) },
  {
    $id: "StagedInfo",
    ...object({ namespace: TEXT, key: TEXT, kind: { enum: ["put", "delete", "read"] }, digest: DIGEST, size: COUNT }, [
      "digest",
      "size",
    ]),
  },
  {
    $id: "TransactionReply",
    ...object({ ...transactionProperties, staged: listOf("StagedInfo") }, OPTIONAL_OF_TRANSACTION),
  },
  {
    $id: "TransactionListReply",
    ...object({ transactions: listOf("TransactionInfo"), next: TEXT }, ["next"]),
  },
  {
    $id: "BatchOperation",
    oneOf: [
      object({ op: { const: "delete" }, key: TEXT, ifMatch: TEXT }, ["ifMatch"]),
      object({ op: { enum: ["copy", "rename"] }, from: TEXT, to: TEXT, ifMatch: TEXT, ifNoneMatch: { const: "*" } }, [
        "ifMatch",
        "ifNoneMatch",
      ]),
      object({ op: { const: "undelete" }, key: TEXT }),
      object({ op: { const: "restore" }, key: TEXT, version: COUNT, ifMatch: TEXT, ifNoneMatch: { const: "*" } }, [
        "ifMatch",
        "ifNoneMatch",
      ]),
    ],
  },
  {
    $id: "BatchRequest",
    ...object({
      operations: { type: "array", items: refTo("BatchOperation"), minItems: 1, maxItems: MAX_BATCH_OPERATIONS },
    }),
  },
  {
    $id: "BatchResult",
    ...object({ ok: { type: "boolean" }, version: COUNT, error: refTo("Problem") }, ["version", "error"]),
  },
  { $id: "BatchReply", ...object({ results: listOf("BatchResult"), steps: COUNT }, ["steps"]) },
  {
    $id: "BundleRequest",
    ...object({
      files: {
        type: "array",
        items: object({ key: TEXT, ifMatch: DIGEST }, ["ifMatch"]),
        minItems: 1,
        maxItems: MAX_BUNDLE_FILES,
      },
    }),
  },
  { $id: "DirectUrlReply", ...object({ url: TEXT, expires: TIME }, ["expires"]) },
  { $id: "Health", ...object({ status: { const: "ok" } }) },
] as const;

/** What a request may be refused for that names a transaction. */
export const IN_TRANSACTION = [
  "transaction_not_found",
  "transaction_not_yours",
  "transaction_finished",
  "transaction_expired",
] as const satisfies readonly ErrorCode[];

/** What a change may be refused for besides, inside of a transaction or because of another one. */
export const STAGING = [
  ...IN_TRANSACTION,
  "transaction_prepared",
  "transaction_too_large",
  "staging_full",
  "key_locked",
] as const satisfies readonly ErrorCode[];

export type SchemaName = (typeof SCHEMAS)[number]["$id"];

/** An answer in JSON. */
export function json(name: SchemaName, description: string, headers?: object) {
  return { description, content: { "application/json": { schema: refTo(name) } }, ...(headers && { headers }) };
}

/** The failures that a route names, by HTTP status, as OpenAPI wants them. */
export function problems(...codes: readonly ErrorCode[]): Record<string, object> {
  const content = { "application/problem+json": { schema: refTo("Problem") } };
  const statuses = [...new Set(codes.map((code) => ERROR_TABLE[code].status))];
  return Object.fromEntries(
    statuses.map((status) => {
      const same = codes.filter((code) => ERROR_TABLE[code].status === status);
      return [status, { description: same.join(", "), content }];
    }),
  );
}

export function refTo(name: string) {
  return { $ref: `${name}#` } as const;
}

function listOf(name: string) {
  return { type: "array", items: refTo(name) } as const;
}

function object(properties: Record<string, object>, optional: readonly string[] = []) {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: "object", additionalProperties: false, properties, ...(required.length > 0 && { required }) };
}
