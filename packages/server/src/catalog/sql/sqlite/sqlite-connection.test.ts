import { once } from "node:events";
import { existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, expect, it } from "vitest";
import { systemClock } from "../../../runtime/clock.js";
import { SQLITE, sqliteCodeOf } from "../../../runtime/sqlite-file.js";
import { plainStatement } from "../sql-connection.js";
import { ConnectionCut } from "../sql-failure.js";
import { SqliteConnection } from "./sqlite-connection.js";

const ONE = { sql: "select id, size, bytes from files where id = ?", givesOneRow: true };
/** A thread that keeps the lock for a moment, and then commits. */
const HOLDER = `
  const { parentPort, workerData } = require("node:worker_threads");
  const database = new (require("libsql"))(workerData);
  database.exec("begin immediate; update files set size = 7 where id = 'a'");
  parentPort.postMessage("locked");
  setTimeout(() => { database.exec("commit"); database.close(); }, 100);
`;

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

it("gives up when another session keeps the lock, and takes it when that one lets go in time", async () => {
  await writer.run(plainStatement("begin immediate"));
  const hasty = await SqliteConnection.open(join(folder, "catalog.sqlite"), { clock: systemClock, busyTimeoutMs: 20 });
  const refused = await hasty.run(plainStatement("begin immediate")).catch(sqliteCodeOf);
  expect(refused).toBe(SQLITE.BUSY);
  await writer.run(plainStatement("commit"));
  const holder = new Worker(HOLDER, { eval: true, workerData: join(folder, "catalog.sqlite") });
  await once(holder, "message");
  // It blocks this thread until the other one commits.
  await writer.run(plainStatement("begin immediate"));
  const { rows } = await writer.run<{ size: bigint }>(plainStatement("select size from files where id = 'a'"));
  expect(rows).toEqual([{ size: 7n }]);
  await writer.run(plainStatement("commit"));
  await hasty.close();
});

it.each(["update files set size = 3 where id = 'b'", "begin immediate"])(
  "sees what others write, and can write, after it was refused the lock: %s",
  async (refused) => {
    const hasty = await SqliteConnection.open(join(folder, "catalog.sqlite"), { clock: systemClock, busyTimeoutMs: 5 });
    await writer.run(plainStatement("begin immediate"));
    expect(await hasty.run(plainStatement(refused)).catch(sqliteCodeOf)).toBe(SQLITE.BUSY);
    expect((await hasty.run({ ...ONE, parameters: ["a"] })).rows).toMatchObject([{ size: 1n }]);
    await writer.run(plainStatement("update files set size = 2 where id = 'a'"));
    await writer.run(plainStatement("commit"));
    expect((await hasty.run({ ...ONE, parameters: ["a"] })).rows).toMatchObject([{ size: 2n }]);
    expect(await hasty.run(plainStatement("update files set size = 4"))).toMatchObject({ affected: 2 });
    expect(await hasty.run(plainStatement(refused))).toBeDefined();
    await hasty.close();
  },
);

it("is cut when a statement of its own transaction is refused a lock: what comes next would be outside of it", async () => {
  const path = join(folder, "catalog.sqlite");
  const other = await SqliteConnection.open(path, { clock: systemClock, busyTimeoutMs: 5 });
  await other.run(plainStatement("begin"));
  await other.run({ ...ONE, parameters: ["a"] });
  await writer.run(plainStatement("update files set size = 2 where id = 'a'"));
  const stale = await other.run(plainStatement("update files set size = 3 where id = 'a'")).catch(sqliteCodeOf);
  expect(stale).toBe(SQLITE.BUSY);
  expect(other.isUsable).toBe(false);
  await expect(other.run(plainStatement("update files set size = 3"))).rejects.toThrow(ConnectionCut);
});

it("makes no file where there is none any more when it opens it again", async () => {
  const path = join(folder, "catalog.sqlite");
  const session = await SqliteConnection.open(path, { clock: systemClock, busyTimeoutMs: 5 });
  await writer.run(plainStatement("begin immediate"));
  expect(await session.run(plainStatement("update files set size = 3")).catch(sqliteCodeOf)).toBe(SQLITE.BUSY);
  await writer.run(plainStatement("commit"));
  renameSync(path, `${path}.elsewhere`);
  await expect(session.run({ ...ONE, parameters: ["a"] })).rejects.toThrow(ConnectionCut);
  expect(existsSync(path)).toBe(false);
  renameSync(`${path}.elsewhere`, path);
  expect((await session.run({ ...ONE, parameters: ["a"] })).rows).toMatchObject([{ size: 1n }]);
  await session.close();
});

it("ends when it is refused the lock, if it is not to be another one unseen", async () => {
  const path = join(folder, "catalog.sqlite");
  const session = await SqliteConnection.open(path, { clock: systemClock, busyTimeoutMs: 5, endsWhenRefused: true });
  await writer.run(plainStatement("begin immediate"));
  expect(await session.run(plainStatement("update files set size = 3")).catch(sqliteCodeOf)).toBe(SQLITE.BUSY);
  expect(session.isUsable).toBe(false);
  await writer.run(plainStatement("rollback"));
});
