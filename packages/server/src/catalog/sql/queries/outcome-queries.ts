import type { ChangeDone, ChangeOutcome } from "../../../model/change.js";
import { formatOutcome, type PlainOutcome, parseOutcome } from "../../../model/change-outcome.js";
import type { RecordedOutcome } from "../../../model/commit-view.js";
import { toText } from "../column-values.js";
import type { CatalogKysely, SqlDialect } from "../dialect.js";
import { orIgnore } from "../insert-or-update.js";
import { prepareQuery, prepareRows } from "../prepared-query.js";
import type { SqlText } from "../schema.js";

export interface StoredOutcome {
  id: SqlText;
  fingerprint: SqlText;
  outcome: SqlText | null;
}

interface CommitRow {
  readonly id: string;
  readonly fingerprint: string;
  readonly outcome: string | null;
  readonly time_ms: number;
}

/** What one commit records: the outcomes of all its changes under the group's id, and those with idempotency keys. */
export interface CommitRecord {
  readonly groupId: string;
  readonly timeMs: number;
  readonly outcomes: readonly ChangeOutcome[];
  readonly recorded: readonly RecordedOutcome[];
}

const COLUMNS = ["id", "fingerprint", "outcome", "time_ms"] as const;

export function createOutcomeQueries(db: CatalogKysely, dialect: SqlDialect) {
  const find = prepareRows<{ id: string }, StoredOutcome>("find_outcomes", ["id"], (rows) =>
    db.selectFrom("commits").select(["id", "fingerprint", "outcome"]).where("id", "in", listIds(rows)),
  );
  const insert = prepareRows<CommitRow, unknown>("insert_outcomes", COLUMNS, (rows) =>
    db.insertInto("commits").values(rows),
  );
  const restore = prepareRows<CommitRow, unknown>("restore_outcomes", COLUMNS, (rows) =>
    orIgnore(dialect, db.insertInto("commits").values(rows)),
  );
  return {
    findRecorded: (keys: readonly string[]) => find(keys.map((key) => ({ id: formatKeyId(key) }))),
    findGroup: (groupId: string) => find([{ id: formatGroupId(groupId) }]),
    record: (record: CommitRecord) => insert(formatCommitRows(record)),
    /** As `record`, for what may be there already. */
    restore: (...records: readonly CommitRecord[]) => restore(records.flatMap(formatCommitRows)),
    /** Decides that the group shall never commit, unless it has: then no row is affected. */
    insertVoid: prepareQuery<{ id: string }, unknown>("insert_void", (slot) =>
      orIgnore(
        dialect,
        db.insertInto("commits").values({ id: slot("id"), fingerprint: "", outcome: null, time_ms: dialect.nowMs }),
      ),
    ),
    listOld: prepareQuery<{ olderThanMs: number; limit: number }, { id: SqlText }>("list_old_outcomes", (slot) =>
      db
        .selectFrom("commits")
        .select("id")
        .where((eb) => eb("time_ms", "<", eb(dialect.nowMs, "-", slot("olderThanMs"))))
        .orderBy("time_ms")
        .limit(slot("limit")),
    ),
    remove: prepareRows<{ id: string }, unknown>("remove_outcomes", ["id"], (rows) =>
      db.deleteFrom("commits").where("id", "in", listIds(rows)),
    ),
  };
}

function listIds(rows: readonly { id: string }[]): string[] {
  return rows.map((row) => row.id);
}

export function formatGroupId(groupId: string): string {
  return `g:${groupId}`;
}

function formatKeyId(key: string): string {
  return `k:${key}`;
}

function formatCommitRows({ groupId, timeMs, outcomes, recorded }: CommitRecord): CommitRow[] {
  const outcome = JSON.stringify(outcomes.map(formatOutcome));
  const group: CommitRow = { id: formatGroupId(groupId), fingerprint: "", outcome, time_ms: timeMs };
  return [group, ...recorded.map((one) => formatRecordedRow(one, timeMs))];
}

function formatRecordedRow({ key, fingerprint, outcome }: RecordedOutcome, timeMs: number): CommitRow {
  return { id: formatKeyId(key), fingerprint, outcome: JSON.stringify(formatOutcome(outcome)), time_ms: timeMs };
}

export function parseRecordedRow(row: StoredOutcome): RecordedOutcome {
  const outcome = parseOutcome(JSON.parse(toText(row.outcome ?? "null")) as PlainOutcome) as ChangeDone;
  return { key: toText(row.id).slice(2), fingerprint: toText(row.fingerprint), outcome };
}

/** The outcomes of a group, or undefined when it is void. */
export function parseGroupOutcomes(row: StoredOutcome): ChangeOutcome[] | undefined {
  if (row.outcome === null) return undefined;
  return (JSON.parse(toText(row.outcome)) as PlainOutcome[]).map(parseOutcome);
}
