import { createTestDatabase, findTestServer, startMariadb } from "@koboldfs/tools";
import mysql from "mysql2/promise";
import { describe, expect, it, onTestFinished } from "vitest";
import { describeCatalogConformance } from "../catalog-conformance.js";
import type { HarnessDatabase } from "../conformance/catalog-harness.js";
import { systemClock } from "../../runtime/clock.js";
import { silentLogger } from "../../runtime/logger.js";
import { openSqlCatalog } from "./open-sql-catalog.js";
import { openHarnessSession, openTestCatalog } from "./test-engines.js";

const server = await findTestServer("mariadb");

async function createDatabase(): Promise<HarnessDatabase> {
  if ("skip" in server) throw new Error(server.skip);
  const database = await server.createDatabase();
  const query = (sql: string) => runOnMariadb(database.url, sql);
  return {
    dsn: database.url,
    open: (options) => openTestCatalog(options?.dsn ?? database.url, options),
    query,
    async countLockWaits() {
      const sessions = "select id from information_schema.processlist where db = database()";
      const waiting = `trx_state = 'LOCK WAIT' and trx_mysql_thread_id in (${sessions})`;
      return (await query(`select trx_id from information_schema.innodb_trx where ${waiting}`)).length;
    },
    async cutSessions() {
      const others = await query(
        "select id from information_schema.processlist where db = database() and id <> connection_id()",
      );
      for (const { id } of others) await query(`kill ${id}`);
    },
    openSession: () => openHarnessSession(database.url),
    drop: () => database.drop(),
  };
}

async function runOnMariadb(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const connection = await mysql.createConnection(url);
  try {
    const [rows] = await connection.query(sql);
    return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : [];
  } finally {
    await connection.end();
  }
}

describe.skipIf("skip" in server)("skip" in server ? `skipped: ${server.skip}` : "a real MariaDB", () => {
  describeCatalogConformance({ engine: "mariadb", breaksFrozenLocks: true, isNetwork: true, createDatabase });

  it("refuses a MariaDB that may lose commits, unless it is told to take it", async () => {
    // The setting is the whole server's: the one that all tests share must not have it.
    const own = await startMariadb();
    if ("skip" in own) throw new Error(own.skip);
    onTestFinished(() => own.stop());
    const database = await createTestDatabase(own.url);
    await runOnMariadb(database.url, "set global innodb_flush_log_at_trx_commit = 2");
    const options = { dsn: database.url, logger: silentLogger, clock: systemClock };
    await expect(openSqlCatalog(options)).rejects.toMatchObject({ code: "catalog_not_durable" });
    const catalog = await openSqlCatalog({ ...options, allowUnsafe: true });
    expect(catalog.engine).toBe("mariadb");
    await catalog.close();
    await runOnMariadb(database.url, "set global innodb_flush_log_at_trx_commit = 1");
    await (await openSqlCatalog(options)).close();
  });
});
