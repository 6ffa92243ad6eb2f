import { findTestServer } from "@koboldfs/tools";
import mysql from "mysql2/promise";
import { describe } from "vitest";
import { describeCatalogConformance } from "../catalog-conformance.js";
import type { HarnessDatabase } from "../conformance/catalog-harness.js";
import { openTestCatalog } from "./test-engines.js";

const server = await findTestServer("mariadb");

async function createDatabase(): Promise<HarnessDatabase> {
  if ("skip" in server) throw new Error(server.skip);
  const database = await server.createDatabase();
  const query = (sql: string) => runOnMariadb(database.url, sql);
  return {
    dsn: database.url,
    open: (options) => openTestCatalog(options?.dsn ?? database.url, options),
    query,
    async cutSessions() {
      const others = await query("select id from information_schema.processlist where db = database() and id <> connection_id()");
      for (const { id } of others) await query(`kill ${id}`);
    },
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
});
