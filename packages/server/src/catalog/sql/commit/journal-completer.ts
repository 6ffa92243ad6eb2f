import type { ChangeDone } from "../../../model/change.js";
import type { NodeRow, RecordedOutcome } from "../../../model/commit-view.js";
import type { JournalEntry } from "../../../model/journal-entry.js";
import type { JournalGroup, JournalGroupContent } from "../../../model/journal-group.js";
import { readHistory } from "../../../model/journal-history.js";
import { listReplayedFiles, type ReplayPlan, replayGroups } from "../../../model/replay.js";
import { crashPoint } from "../../../runtime/crash-points.js";
import { fromHex, toBuffer } from "../column-values.js";
import type { SqlDialect } from "../dialect.js";
import type { CatalogQueries } from "../queries/catalog-queries.js";
import { parseFoundHead } from "../queries/cluster-queries.js";
import { parseFileRow } from "../queries/file-queries.js";
import { parseNamespaceRow } from "../queries/namespace-queries.js";
import { parseNodeRow } from "../queries/node-queries.js";
import { classifyFailure, translateFailure } from "../sql-failure.js";
import { formatTransactions } from "./plan-statements.js";
import { plainStatement, type SqlConnection, type SqlStatement } from "../sql-connection.js";

export interface JournalCompleterOptions {
  readonly dialect: SqlDialect;
  readonly queries: CatalogQueries;
  /** A session with the timeouts that a holder of the journal's lock must have. */
  readonly connect: () => Promise<SqlConnection>;
  /**
   * While a catalog is made anew, one session for all groups: where the pages are cached in the session, those are the ones
   * that the next groups go to. Absent: one for each call, since a server ends sessions that rest.
   */
  readonly keepsSession?: boolean;
}

export interface CompletionOptions {
  /** The catalog is in this epoch from then on. */
  readonly epoch: number;
  /** `owed`: every holder is to look for each blob. `open`: every node is to be backfilled from the beginning. */
  readonly copies: "owed" | "open";
  /** Outcomes of groups before this time are left out. */
  readonly outcomesSinceMs?: number;
}

/** Puts groups behind the head that were committed before and that this catalog lacks, with their own numbers. */
export class JournalCompleter {
  readonly #options: JournalCompleterOptions;
  /** See `keepsSession`. */
  #session: SqlConnection | undefined;

  constructor(options: JournalCompleterOptions) {
    this.#options = options;
  }

  /**
   * False, and nothing happens, when the groups do not continue the head as it is under the lock. One transaction, in
   * which the catalog also comes to the epoch.
   */
  async insert(groups: readonly JournalGroup[], options: CompletionOptions): Promise<boolean> {
    const whole = groups.map((group) => ({ ...group, bytes: toBuffer(group.bytes) }));
    const connection = await this.#open();
    try {
      const statements = await this.#lockAndPlan(connection, whole, options);
      crashPoint("complete.locked");
      await connection.runAll([
        ...(statements ?? []),
        plainStatement(statements === undefined ? "rollback" : "commit"),
      ]);
      crashPoint("complete.done");
      if (this.#options.keepsSession !== true || options.copies !== "open") await this.close();
      return statements !== undefined;
    } catch (error) {
      connection.destroy();
      throw translateFailure(classifyFailure(this.#options.dialect, error), error);
    }
  }

  async close(): Promise<void> {
    await this.#session?.close();
    this.#session = undefined;
  }

  async #open(): Promise<SqlConnection> {
    if (this.#session?.isUsable === true) return this.#session;
    try {
      this.#session = await this.#options.connect();
      return this.#session;
    } catch (error) {
      throw translateFailure(classifyFailure(this.#options.dialect, error), error);
    }
  }

  async #lockAndPlan(
    connection: SqlConnection,
    groups: readonly JournalGroup[],
    options: CompletionOptions,
  ): Promise<SqlStatement[] | undefined> {
    const { dialect, queries } = this.#options;
    await connection.runAll([...dialect.begin, queries.cluster.lock({})]);
    const [row] = (await connection.run(queries.cluster.findHead({}))).rows;
    if (row === undefined) throw new Error("the catalog has no cluster row");
    const head = parseFoundHead(row);
    const contents = readHistory(head, groups);
    if (contents === undefined) return undefined;
    const files = await connection.runAll(queries.files.find(listReplayedFiles(contents)));
    const namespaces = (await connection.run(queries.namespaces.list({}))).rows.map(parseNamespaceRow);
    const nodes = (await connection.run(queries.nodes.list({}))).rows.map(parseNodeRow);
    const found = files.flatMap(({ rows }) => rows.map(parseFileRow));
    const plan = replayGroups({ head, files: found, namespaces, nodes }, contents);
    const isWhole = options.copies === "owed";
    return this.#statements({
      ...{ groups, contents, options, isFirst: head.number === 0 },
      plan: isWhole ? plan : leaveCopiesOpen(plan, nodes, contents),
    });
  }

  #statements({ groups, contents, plan, options, isFirst }: Completion): SqlStatement[] {
    const {
      blobIndex,
      cluster,
      debts,
      epochs,
      files,
      journal,
      namespaces,
      nodes,
      outcomes,
      purges,
      versions,
      webhooks,
    } = this.#options.queries;
    const [last, content] = [groups.at(-1), contents.at(-1)];
    if (last === undefined || content === undefined) return [];
    const point = { number: last.last, hash: fromHex(last.hash), timeMs: content.timeMs };
    return [
      ...(isFirst && options.copies === "open" ? blobIndex.drop() : []),
      ...outcomes.restore(...contents.filter(({ timeMs }) => timeMs >= (options.outcomesSinceMs ?? 0)).map(recordOf)),
      ...journal.insertEntries(...contents),
      ...journal.insertGroups(
        groups.map(({ first, last: end, hash, bytes }, index) => {
          return { first, last: end, hash: fromHex(hash), bytes, time_ms: contents[index]?.timeMs ?? 0 };
        }),
      ),
      ...journal.removeEntries(plan.entriesToForget.map((number) => ({ number }))),
      ...versions.put(plan.formersToPut),
      ...versions.remove(plan.formersToRemove),
      ...purges.add(plan.purgesToAdd),
      ...files.remove(plan.filesToRemove),
      ...files.put(plan.filesToPut),
      ...namespaces.remove(plan.namespacesToRemove),
      ...namespaces.put(plan.namespacesToPut),
      ...nodes.put(plan.nodesToPut, content.timeMs),
      ...webhooks.remove(plan.webhooksToRemove),
      ...webhooks.put(plan.webhooksToPut),
      ...debts.add(plan.debtsToAdd),
      ...formatTransactions(this.#options.queries, plan),
      cluster.moveHead(point),
      epochs.insert({ epoch: options.epoch, ...point }),
    ];
  }
}

interface Completion {
  readonly groups: readonly JournalGroup[];
  readonly contents: readonly JournalGroupContent[];
  readonly plan: ReplayPlan;
  readonly options: CompletionOptions;
  /** The catalog has no journal yet. */
  readonly isFirst: boolean;
}

/**
 * No debt for each blob, but every node is to be backfilled from the beginning of the journal: nothing counts as there.
 * Backfill does not walk what a prepared transaction has staged; of that the debts stay.
 */
function leaveCopiesOpen(
  plan: ReplayPlan,
  before: readonly NodeRow[],
  contents: readonly JournalGroupContent[],
): ReplayPlan {
  const last = contents.at(-1)?.last ?? 0;
  const nodes = new Map([...before, ...plan.nodesToPut].map((node) => [node.id, node]));
  const nodesToPut = [...nodes.values()].map((node) => ({ ...node, joinedAt: last, backfillPosition: 0 }));
  const staged = new Set(contents.flatMap(({ entries }) => entries.flatMap(listStagedDigests)));
  return { ...plan, debtsToAdd: plan.debtsToAdd.filter(({ digest }) => staged.has(digest)), nodesToPut };
}

function listStagedDigests(entry: JournalEntry): string[] {
  if (entry.kind !== "prepare") return [];
  return entry.changes.flatMap(({ content }) => (content === undefined ? [] : [content.digest]));
}

/** What the group's idempotency keys were answered; of refused changes the journal knows nothing. */
function recordOf(group: JournalGroupContent) {
  const recorded = (group.answers ?? []).map(({ key, fingerprint, version, copies, holders }): RecordedOutcome => {
    const entry = group.entries[version - group.first];
    const outcome: ChangeDone = {
      ...{ ok: true, version, modified: new Date(group.timeMs), copies, holders, owing: [], replayed: false },
      ...(entry?.kind === "put" && {
        content: { digest: entry.content.digest, sizeBytes: entry.content.sizeBytes },
      }),
    };
    return { key, fingerprint, outcome };
  });
  return { groupId: group.id, timeMs: group.timeMs, outcomes: [], recorded };
}
