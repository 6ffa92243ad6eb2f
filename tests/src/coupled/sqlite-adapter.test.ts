import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSqliteAdapter } from "@koboldfs/client";
import Database from "libsql";
import { expect, it, onTestFinished } from "vitest";

it("keeps no lock after it was refused one", async () => {
  const folder = mkdtempSync(join(tmpdir(), "koboldfs-sqlite-adapter-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [application, other] = [new Database(join(folder, "db.sqlite")), new Database(join(folder, "db.sqlite"))];
  // SQLite's default journal: who writes keeps all others from reading.
  application.exec("create table things (name text)");
  const adapter = createSqliteAdapter(application);
  other.exec("begin exclusive");
  await expect(adapter.begin("read")).rejects.toThrow("database is locked");
  other.exec("commit");
  const transaction = await adapter.begin("read");
  expect(await transaction.query("select name from things")).toEqual([]);
  expect(() => other.exec("begin exclusive")).toThrow("database is locked");
  await transaction.rollback();
  other.exec("begin exclusive; insert into things values ('one'); commit");
  for (const database of [application, other]) database.close();
});
