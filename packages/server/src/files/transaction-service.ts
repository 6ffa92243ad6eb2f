import { createHash, randomBytes } from "node:crypto";
import {
  type FileKey,
  KoboldError,
  type NamespaceName,
  type TransactionCounts,
  type TransactionInfo,
  type TransactionReply,
  type TransactionState,
} from "@koboldfs/protocol";
import type { ListPage, ListQuery } from "../catalog/catalog.js";
import type { ChangeDone, FileRecord, FinishChange } from "../model/change.js";
import { stagedFile } from "../model/overlay-staged.js";
import {
  DEFAULT_TRANSACTION_TTL_MS,
  isInDoubt,
  isTransactionId,
  type TransactionId,
  type TransactionRef,
  type TransactionRow,
} from "../model/transaction.js";
import { crashPoint } from "../runtime/crash-points.js";
import type { FileContext } from "./file-context.js";
import { NamespaceViews } from "./namespace-views.js";
import { fingerprint } from "./put-request.js";
import { getOpenTransaction } from "./staging.js";

/** Changes that a transaction's page names; more are counted. */
const MAX_NAMED_CHANGES = 1000;
/** A commit of more takes its time, and shares it with nobody. */
const LARGE_ENTRY_BYTES = 256 * 1024;
/** A use that changes nothing puts the end off only when this part of the time to live has passed: one write a minute or so. */
const RENEWED_PART = 0.25;

const STEP_NAMES = {
  "prepare-transaction": "prepare",
  "commit-transaction": "commit",
  "abort-transaction": "abort",
} as const;

export interface BeginOptions {
  readonly owner: string;
  readonly ttlMs?: number;
  /** What the id begins with; `COORDINATOR_PATTERN`. */
  readonly coordinator?: string;
  readonly idempotencyKey?: string;
}

export interface FinishOptions {
  /** Also when another caller began it. */
  readonly force?: boolean;
  /** How many changes the caller was told of; see `FinishChange`. */
  readonly steps?: number;
}

/** A file as a transaction sees it. */
export interface FileInTransaction extends FileRecord {
  /** No node but those of its placement needs to have its bytes. */
  readonly isStaged: boolean;
}

/** Transactions of callers. Every method throws `catalog_unavailable`: the mirror knows nothing of what is staged. */
export class TransactionService {
  readonly #context: FileContext;
  readonly #namespaces: NamespaceViews;

  constructor(context: FileContext) {
    this.#context = context;
    this.#namespaces = new NamespaceViews(context);
  }

  /** Throws `too_many_transactions`, and `invalid_request` for a time to live or a coordinator that is none. */
  async begin(options: BeginOptions): Promise<TransactionInfo> {
    const { owner, ttlMs = DEFAULT_TRANSACTION_TTL_MS, coordinator = "", idempotencyKey } = options;
    const random = idempotencyKey === undefined ? randomBytes(16).toString("hex") : hexOf(owner, idempotencyKey);
    const id = (coordinator === "" ? random : `${coordinator}-${random}`) as TransactionId;
    const done = await this.#commit({
      ...{ kind: "begin-transaction", transaction: { id, owner }, ttlMs },
      ...(idempotencyKey !== undefined && {
        idempotency: { key: idempotencyKey, fingerprint: fingerprint("begin", owner, ttlMs, coordinator) },
      }),
    });
    return infoOf(done);
  }

  /** Throws `transaction_not_found`. Anybody may ask: whoever recovers something asks for the outcome. */
  async get(id: string): Promise<TransactionReply> {
    return this.#context.reads.readSurely(() => this.#get(id));
  }

  async #get(id: string): Promise<TransactionReply> {
    const row = isTransactionId(id) ? await this.#context.catalog.findTransaction(id) : undefined;
    if (row === undefined) throw missing(id);
    const staged = await this.#context.catalog.listStaged(row.id, MAX_NAMED_CHANGES);
    return {
      ...toTransactionInfo(row),
      staged: staged.map(({ namespace, key, kind, content }) => ({
        ...{ namespace, key, kind },
        ...(content !== undefined && { digest: content.digest, size: content.sizeBytes }),
      })),
    };
  }

  /** Those that are not finished. */
  async count(): Promise<TransactionCounts> {
    const { catalog, clock } = this.#context;
    const unfinished = await catalog.listUnfinishedTransactions();
    const prepared = unfinished.filter(({ state }) => state === "prepared");
    const open = unfinished.filter(({ state }) => state === "open");
    const oldestOpen = oldestOf(open.map(({ begunMs }) => begunMs));
    const oldestPrepared = oldestOf(prepared.map(({ preparedMs }) => preparedMs));
    return {
      ...{ open: open.length, prepared: prepared.length },
      inDoubt: prepared.filter((row) => isInDoubt(row, clock.now())).length,
      stagedBytes: unfinished.reduce((sum, { stagedBytes }) => sum + stagedBytes, 0),
      ...(oldestOpen !== undefined && { oldestOpen }),
      ...(oldestPrepared !== undefined && { oldestPrepared }),
    };
  }

  async list(query: { state?: TransactionState; after?: string; limit: number }) {
    const { catalog, reads } = this.#context;
    const { transactions, next } = await reads.readSurely(() => catalog.listTransactions(query));
    return { transactions: transactions.map(toTransactionInfo), ...(next !== undefined && { next }) };
  }

  /** Each may be repeated, also at another node, and has the same outcome then. See `FinishChange` for what they throw. */
  async finish(
    kind: FinishChange["kind"],
    { id, owner }: { id: string; owner: string },
    { force = false, steps = 0 }: FinishOptions = {},
  ): Promise<TransactionInfo> {
    if (!isTransactionId(id)) throw missing(id);
    const row = await this.#context.catalog.findTransaction(id);
    const isLarge = (row?.entryBytes ?? 0) > LARGE_ENTRY_BYTES;
    const step = STEP_NAMES[kind];
    crashPoint(`transaction.${step}.before`);
    const done = await this.#commit({ kind, transaction: { id, owner }, force, steps, isLarge });
    crashPoint(`transaction.${step}.done`);
    this.#context.cluster.nudge(done.owing);
    await this.#checkMirrors(kind, row, done);
    return infoOf(done);
  }

  /**
   * The file as the transaction sees it; undefined when it sees none. Throws `transaction_not_found`,
   * `transaction_not_yours`, `transaction_finished`, `transaction_expired`.
   */
  findFile(ref: TransactionRef, namespace: NamespaceName, key: FileKey): Promise<FileInTransaction | undefined> {
    return this.#context.reads.readSurely(() => this.#findFile(ref, namespace, key));
  }

  async #findFile(ref: TransactionRef, namespace: NamespaceName, key: FileKey): Promise<FileInTransaction | undefined> {
    const { catalog } = this.#context;
    const row = await this.#use(ref);
    const staged = await catalog.findStaged(row.id, namespace, key);
    if (staged === undefined || staged.kind === "read") {
      const file = await catalog.findFile(namespace, key);
      return file && { ...file, isStaged: false };
    }
    const file = stagedFile(staged);
    return file && { ...file, modified: new Date(row.begunMs), isStaged: true };
  }

  /** As `findFile`, for a listing. Throws `namespace_not_found` too. */
  listFiles(ref: TransactionRef, namespace: NamespaceName, query: ListQuery): Promise<ListPage> {
    return this.#context.reads.readSurely(() => this.#listFiles(ref, namespace, query));
  }

  async #listFiles(ref: TransactionRef, namespace: NamespaceName, query: ListQuery): Promise<ListPage> {
    const { catalog } = this.#context;
    const row = await this.#use(ref);
    const page = await catalog.listFilesIn(row.id, namespace, query);
    if (page.files.length === 0 && (await catalog.findNamespace(namespace)) === undefined) {
      throw new KoboldError("namespace_not_found", `no namespace ${namespace}`);
    }
    const modified = new Date(row.begunMs);
    return { ...page, files: page.files.map((file) => (file.version === 0 ? { ...file, modified } : file)) };
  }

  async #use(ref: TransactionRef): Promise<TransactionRow> {
    const { catalog, clock } = this.#context;
    const row = await getOpenTransaction(this.#context, ref);
    const leftMs = row.expiresMs - clock.now();
    if (row.state !== "open" || leftMs >= row.ttlMs * (1 - RENEWED_PART)) return row;
    if (await catalog.renewTransaction(row.id)) return row;
    // It ended, or its time is over and nobody has aborted it yet.
    const now = await getOpenTransaction(this.#context, ref);
    if (now.state === "prepared") return now;
    throw new KoboldError("transaction_expired", `transaction ${row.id} was not used for ${row.ttlMs} ms`);
  }

  /** Committed, but not to be told as a success before enough mirrors know it: a repetition gives them another chance. */
  async #checkMirrors(kind: FinishChange["kind"], row: TransactionRow | undefined, done: ChangeDone): Promise<void> {
    if (kind === "abort-transaction" || done.version === 0 || done.mirrors === undefined) return;
    const names = Object.keys(row?.usage ?? {}) as NamespaceName[];
    const demanded = await Promise.all(names.map((name) => this.#findMinCopies(name)));
    const wanted = Math.max(this.#context.minCopies, ...demanded);
    if (done.mirrors >= wanted) return;
    throw new KoboldError("too_few_copies", `${done.mirrors} nodes know of it by now; ${wanted} are demanded`);
  }

  /** A namespace that is gone by now demands nothing. */
  async #findMinCopies(namespace: NamespaceName): Promise<number> {
    try {
      return (await this.#namespaces.get(namespace)).minCopies;
    } catch (error) {
      if (error instanceof KoboldError && error.code === "namespace_not_found") return 1;
      throw error;
    }
  }

  async #commit(change: Parameters<FileContext["catalog"]["commit"]>[0]): Promise<ChangeDone> {
    const outcome = await this.#context.catalog.commit(change);
    if (!outcome.ok) throw outcome.error;
    return outcome;
  }
}

function infoOf({ transaction }: ChangeDone): TransactionInfo {
  if (transaction === undefined) throw new KoboldError("internal", "the catalog did not say what became of it");
  return toTransactionInfo(transaction);
}

export function toTransactionInfo(row: TransactionRow): TransactionInfo {
  const { id, state, begunMs, ttlMs, expiresMs, preparedMs, finishedMs, number, reason, changes, stagedBytes } = row;
  const timeOf = (ms: number) => new Date(ms).toISOString();
  return {
    ...{ id, state, begun: timeOf(begunMs), ttlMs },
    ...(state === "open" && { expires: timeOf(expiresMs) }),
    ...(preparedMs !== undefined && { prepared: timeOf(preparedMs) }),
    ...(finishedMs !== undefined && { finished: timeOf(finishedMs) }),
    ...(state === "committed" && number !== undefined && { version: number }),
    ...(reason !== undefined && { reason }),
    ...{ changes, bytes: stagedBytes },
  };
}

/** The same request gets the same transaction, whichever node it comes to and whatever became of the first answer. */
function hexOf(owner: string, idempotencyKey: string): string {
  return createHash("sha256").update(`koboldfs transaction\n${owner}\n${idempotencyKey}`).digest("hex").slice(0, 32);
}

function oldestOf(times: readonly (number | undefined)[]): string | undefined {
  const oldestMs = Math.min(...times.filter((time) => time !== undefined));
  return Number.isFinite(oldestMs) ? new Date(oldestMs).toISOString() : undefined;
}

function missing(id: string): KoboldError {
  return new KoboldError("transaction_not_found", `there is no transaction ${id.slice(0, 80)}`);
}
