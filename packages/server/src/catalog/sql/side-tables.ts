import { type ExpressionBuilder, type Kysely, sql } from "kysely";
import { toBuffer, toInteger, toText } from "./column-values.js";
import { createQueryBuilder } from "./dialect.js";
import { type PlainSession, type PlainSessionOptions, withPlainSession } from "./open-plain-session.js";
import { compileQuery, MAX_ROWS_PER_STATEMENT } from "./prepared-query.js";
import type { CatalogTables, SqlInteger, SqlText } from "./schema.js";

type ColumnKind = "text" | "integer" | "bytes";
type Value = string | number | Uint8Array | null;
type Row = Readonly<Record<string, Value>>;

/** The columns of a table, all of them: the compiler notices one that is missing here. */
interface SideTable<Name extends keyof CatalogTables> {
  readonly key: readonly (keyof CatalogTables[Name] & string)[];
  readonly columns: Readonly<Record<keyof CatalogTables[Name] & string, ColumnKind>>;
}

type SideTables = {
  readonly [Name in "nodes" | "debts" | "purges" | "transactions" | "staged" | "locks" | "webhooks"]: SideTable<Name>;
};

/**
 * What a catalog knows besides its journal: who has come how far and owes what, who has purged what, what is staged, and where webhooks are. In
 * the order in which they are copied: a node's place before its debts, since what it finds lacking in between is a debt.
 */
const SIDE_TABLES: SideTables = {
  nodes: {
    key: ["id"],
    columns: {
      ...({ id: "text", name: "text", url: "text", zone: "text", state: "text", volumes: "text" } as const),
      ...({ joined_at: "integer", backfill_position: "integer", heartbeat_ms: "integer" } as const),
      ...({ free_bytes: "integer", total_bytes: "integer" } as const),
    },
  },
  debts: {
    key: ["node", "namespace", "digest"],
    columns: {
      ...({ node: "text", namespace: "text", digest: "bytes" } as const),
      ...({ size_bytes: "integer", copies: "integer", number: "integer" } as const),
    },
  },
  purges: {
    key: ["node", "namespace", "digest"],
    columns: { node: "text", namespace: "text", digest: "bytes", number: "integer", done_ms: "integer" },
  },
  transactions: {
    key: ["id"],
    columns: {
      ...({ id: "text", owner: "text", state: "text", reason: "text" } as const),
      ...({ by_namespace: "text", reserved: "text" } as const),
      ...({ begun_ms: "integer", ttl_ms: "integer", expires_ms: "integer", number: "integer" } as const),
      ...({ prepared_ms: "integer", finished_ms: "integer" } as const),
      ...({ changes: "integer", staged_bytes: "integer", steps: "integer", entry_bytes: "integer" } as const),
    },
  },
  staged: {
    key: ["transaction_id", "namespace", "key"],
    columns: {
      ...({ transaction_id: "text", namespace: "text", key: "text", kind: "text", digest: "bytes" } as const),
      ...({ size_bytes: "integer", content_type: "text", metadata: "text", expires: "text" } as const),
      ...({ min_copies: "integer", placed_on: "text", staged_at: "integer", seen: "integer" } as const),
    },
  },
  webhooks: {
    key: ["id"],
    columns: {
      ...({ id: "text", url: "text", namespace: "text", prefix: "text", error: "text" } as const),
      ...({ position: "integer", failures: "integer", delivered_ms: "integer" } as const),
    },
  },
  locks: { key: ["namespace", "key"], columns: { namespace: "text", key: "text", transaction_id: "text" } },
};

/** Rows that are read and written at once. */
const PAGE_ROWS = 500;

/**
 * Puts what the one catalog knows besides its journal in the place of what the other one does. Nobody may commit to
 * either. Done again after a crash, it comes to the same.
 */
export async function copySideTables(from: PlainSessionOptions, to: PlainSessionOptions): Promise<void> {
  await withPlainSession(from, (source) =>
    withPlainSession(to, async (target) => {
      for (const [name, table] of Object.entries(SIDE_TABLES)) await copyTable(source, target, { name, ...table });
    }),
  );
}

/** The newest epoch that a catalog ever was in, whether or not it was retired since. */
export async function findNewestEpoch(options: PlainSessionOptions): Promise<number> {
  return withPlainSession(options, async ({ connection, dialect }) => {
    const newest = sql<SqlInteger | null>`max(epoch)`.as("epoch");
    const [row] = (await connection.run(compileQuery(createQueryBuilder(dialect).selectFrom("epochs").select(newest))))
      .rows;
    return Math.max(0, toInteger(row?.epoch ?? 0));
  });
}

interface NamedTable {
  readonly name: string;
  readonly key: readonly string[];
  readonly columns: Readonly<Record<string, ColumnKind>>;
}

async function copyTable(source: PlainSession, target: PlainSession, table: NamedTable): Promise<void> {
  await target.connection.run(compileQuery(plainBuilder(target).deleteFrom(table.name)));
  for (let after: Row | undefined; ; ) {
    const rows = await readPage(source, table, after);
    if (rows.length > 0) await writeRows(target, table, rows);
    if (rows.length < PAGE_ROWS) return;
    after = rows.at(-1);
  }
}

async function readPage({ connection, dialect }: PlainSession, table: NamedTable, after: Row | undefined) {
  const names = Object.keys(table.columns);
  let query = plainBuilder({ dialect }).selectFrom(table.name).select(names).limit(PAGE_ROWS);
  for (const column of table.key) query = query.orderBy(column);
  if (after !== undefined) query = query.where((eb) => isBehind(eb, table.key, after));
  const { rows } = await connection.run(compileQuery(query));
  return rows.map((row): Row => {
    const values = Object.entries(table.columns).map(([name, kind]) => [name, toValue(kind, row[name])] as const);
    return Object.fromEntries(values);
  });
}

/** Behind the row in the order of the key: greater in its first column, or equal there and behind it in the others. */
function isBehind(eb: ExpressionBuilder<PlainTables, string>, key: readonly string[], after: Row) {
  return eb.or(
    key.map((column, index) =>
      eb.and([
        ...key.slice(0, index).map((before) => eb(before, "=", after[before] ?? null)),
        eb(column, ">", after[column] ?? null),
      ]),
    ),
  );
}

async function writeRows({ connection, dialect }: PlainSession, { name }: NamedTable, rows: readonly Row[]) {
  const db = plainBuilder({ dialect });
  for (let index = 0; index < rows.length; index += MAX_ROWS_PER_STATEMENT) {
    const part = rows.slice(index, index + MAX_ROWS_PER_STATEMENT);
    await connection.run(compileQuery(db.insertInto(name).values([...part])));
  }
}

/** As the drivers give it, each in its way, and as all of them take it. */
function toValue(kind: ColumnKind, value: unknown): Value {
  if (value === null || value === undefined) return null;
  if (kind === "bytes") return toBuffer(value as Uint8Array);
  return kind === "text" ? toText(value as SqlText) : toInteger(value as SqlInteger);
}

/** Tables by name, whose columns only the descriptions above know. */
type PlainTables = Record<string, Record<string, Value>>;

function plainBuilder({ dialect }: Pick<PlainSession, "dialect">): Kysely<PlainTables> {
  return createQueryBuilder(dialect) as unknown as Kysely<PlainTables>;
}
