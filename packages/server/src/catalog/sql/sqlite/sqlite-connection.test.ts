import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { systemClock } from "../../../runtime/clock.js";
import { plainStatement } from "../sql-connection.js";
import { SqliteConnection } from "./sqlite-connection.js";

const ONE = { sql: "select id, size, bytes from files where id = ?", givesOneRow: true };
let folder: string;
let writer: SqliteConnection;
let reader: SqliteConnection;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "koboldfs-sqlite-connection-"));
  const open = () => SqliteConnection.open(join(folder, "catalog.sqlite"), { clock: systemClock });
  writer = await open();
  await writer.run(plainStatement("create table files (id text primary key, size integer, bytes blob)"));
  await writer.run({ sql: "insert into files values ('a', 1, x'07'), ('b', null, null)", parameters: [] });
  reader = await open();
});

afterEach(async () => {
  await reader.close();
  await writer.close();
  rmSync(folder, { recursive: true });
});

it.each(["a", "b", "none"])("gives the same for one row as for many: %s", async (id) => {
  const one = await reader.run({ ...ONE, parameters: [id] });
  expect(one).toEqual(await reader.run({ ...ONE, givesOneRow: false, parameters: [id] }));
  expect(one.affected).toBe(id === "none" ? 0 : 1);
});

it("holds nothing behind a statement that gives one row: it sees what is written next, and the log can be emptied", async () => {
  await reader.run({ ...ONE, parameters: ["a"] });
  await writer.run({ sql: "update files set size = 2 where id = 'a'", parameters: [] });
  const checkpoint = await writer.run<{ busy: bigint }>(plainStatement("pragma wal_checkpoint(truncate)"));
  expect(checkpoint.rows.map(({ busy }) => busy)).toEqual([0n]);
  expect((await reader.run({ ...ONE, parameters: ["a"] })).rows).toMatchObject([{ size: 2n }]);
});
