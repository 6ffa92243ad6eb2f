import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "libsql";
import { expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../runtime/clock.js";
import { silentLogger } from "../../runtime/logger.js";
import { openSqlCatalog } from "./open-sql-catalog.js";
import { copySideTables, findNewestEpoch } from "./side-tables.js";

const TABLES = ["nodes", "debts", "purges", "transactions", "staged", "locks", "webhooks"];
/** More than are read at once, so that pages are put together. */
const ROWS = 1201;

async function makeCatalogs(): Promise<[string, string]> {
  const folder = await mkdtemp(join(tmpdir(), "koboldfs-side-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const paths: [string, string] = [join(folder, "from.sqlite"), join(folder, "to.sqlite")];
  for (const path of paths) {
    const catalog = await openSqlCatalog({ dsn: `sqlite:${path}`, logger: silentLogger, clock: systemClock });
    await catalog.raiseEpoch(path === paths[0] ? 3 : 0);
    if (path === paths[0]) await catalog.retire();
    await catalog.close();
  }
  return paths;
}

interface Column {
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
}

/** Rows in every table; what may be null is null in every other one. */
function fill(path: string, rows: number): void {
  const database = new Database(path);
  database.exec("begin");
  for (const table of TABLES) {
    const columns = database
      .prepare(`select name, type, "notnull" from pragma_table_info('${table}')`)
      .all() as Column[];
    const marks = columns.map(() => "?").join(", ");
    const insert = database.prepare(`insert into ${table} values (${marks})`);
    for (let row = 0; row < rows; row += 1) insert.run(columns.map((column) => valueOf(column, row)));
  }
  database.exec("commit");
  database.close();
}

function valueOf({ type, notnull }: Column, row: number): unknown {
  if (notnull === 0 && row % 2 === 0) return null;
  if (type.toLowerCase() === "integer") return row;
  return type.toLowerCase() === "blob" ? Buffer.alloc(32, row % 251) : `é ${row}`;
}

function readAll(path: string): Record<string, unknown[]> {
  const database = new Database(path, { readonly: true });
  const all = Object.fromEntries(
    TABLES.map((table) => {
      const rows = database.prepare(`select * from ${table}`).raw(true).all() as unknown[][];
      return [table, rows.map((row) => JSON.stringify(row.map(plain))).sort()];
    }),
  );
  database.close();
  return all;
}

function plain(value: unknown): unknown {
  return value instanceof ArrayBuffer || Buffer.isBuffer(value)
    ? Buffer.from(value as ArrayBuffer).toString("hex")
    : value;
}

it("puts what a catalog knows besides its journal in the place of what another one knows, row by row", async () => {
  const [from, to] = await makeCatalogs();
  fill(from, ROWS);
  fill(to, 3);
  const options = (path: string) => ({ dsn: `sqlite:${path}`, clock: systemClock });
  for (let time = 0; time < 2; time += 1) {
    await copySideTables(options(from), options(to));
    expect(readAll(to)).toEqual(readAll(from));
  }
  expect(Object.values(readAll(to)).map((rows) => rows.length)).toEqual(TABLES.map(() => ROWS));
  expect(await findNewestEpoch(options(from))).toBe(3);
});
