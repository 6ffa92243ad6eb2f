import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { openSqliteFile, SQLITE, sqliteCodeOf } from "./sqlite-file.js";

it.each(["plain", "with space", "50% #1?vfs=none&x", "größe-ü", 'it\'s "quoted"'])(
  "opens exactly the file that is named: %s",
  async (name) => {
    const folder = await makeFolder();
    const database = openSqliteFile(join(folder, name), { timeout: 0 });
    database.exec("create table numbers (number integer)");
    database.close();
    expect(await readdir(folder)).toEqual([name]);
  },
);

it("says that a file in a folder that is not there cannot be opened", () => {
  const path = join(tmpdir(), "koboldfs-nowhere", "file");
  expect(codeOfOpening(path, false)).toEqual({ code: undefined });
  expect(existsSync(path)).toBe(false);
});

it("does not make a file that must be there", async () => {
  const folder = await makeFolder();
  expect(codeOfOpening(join(folder, "none"), true)).toEqual({ code: undefined });
  expect(await readdir(folder)).toEqual([]);
  openSqliteFile(join(folder, "some"), { timeout: 0 }).exec("create table numbers (number integer)");
  openSqliteFile(join(folder, "some"), { timeout: 0, mustExist: true }).exec("insert into numbers values (1)");
});

it("gives SQLite's code of a lock that is taken", async () => {
  const path = join(await makeFolder(), "locked");
  const [one, other] = [openSqliteFile(path, { timeout: 0 }), openSqliteFile(path, { timeout: 0 })];
  one.exec("begin immediate");
  const outcome = await Promise.allSettled([(async () => other.exec("begin immediate"))()]);
  expect(outcome.map((result) => result.status === "rejected" && sqliteCodeOf(result.reason))).toEqual([SQLITE.BUSY]);
  for (const database of [one, other]) database.close();
});

it("knows SQLite's code of an error, also of one that libsql has no name for", () => {
  const unnamed = { code: "UNKNOWN_SQLITE_ERROR_8458", rawCode: 8458 };
  expect(sqliteCodeOf(Object.assign(new Error("disk I/O error"), unnamed))).toBe(SQLITE.IOERR);
  expect(sqliteCodeOf(new Error("busy"))).toBeUndefined();
  expect(sqliteCodeOf("busy")).toBeUndefined();
});

function codeOfOpening(path: string, mustExist: boolean): { code: number | undefined } | undefined {
  try {
    openSqliteFile(path, { timeout: 0, mustExist }).close();
    return undefined;
  } catch (error) {
    return { code: sqliteCodeOf(error) };
  }
}

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "koboldfs-sqlite-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}
