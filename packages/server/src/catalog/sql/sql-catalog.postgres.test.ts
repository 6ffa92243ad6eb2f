import { getTestPostgres } from "@koboldfs/tools";
import pg from "pg";
import { describeCatalogConformance } from "../catalog-conformance.js";
import type { HarnessDatabase } from "../conformance/catalog-harness.js";
import { openTestCatalog } from "./test-engines.js";

const server = await getTestPostgres();

async function createDatabase(): Promise<HarnessDatabase> {
  const database = await server.createDatabase();
  const query = (sql: string) => runOnPostgres(database.url, sql);
  return {
    dsn: database.url,
    open: (options) => openTestCatalog(options?.dsn ?? database.url, options),
    query,
    async cutSessions() {
      const others = "datname = current_database() and pid <> pg_backend_pid()";
      await query(`select pg_terminate_backend(pid, 5000) from pg_stat_activity where ${others}`);
    },
    drop: () => database.drop(),
  };
}

async function runOnPostgres(url: string, sql: string) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

describeCatalogConformance({ engine: "postgres", breaksFrozenLocks: true, isNetwork: true, createDatabase });
