import { getTestPostgres } from "@koboldfs/tools";
import pg from "pg";
import { expect, it, onTestFinished } from "vitest";
import { describeCatalogConformance } from "../catalog-conformance.js";
import type { HarnessDatabase } from "../conformance/catalog-harness.js";
import { silentLogger } from "../../runtime/logger.js";
import { systemClock } from "../../runtime/clock.js";
import { openSqlCatalog } from "./open-sql-catalog.js";
import { openHarnessSession, openTestCatalog } from "./test-engines.js";

const server = await getTestPostgres();

async function createDatabase(): Promise<HarnessDatabase> {
  const database = await server.createDatabase();
  const query = (sql: string) => runOnPostgres(database.url, sql);
  return {
    dsn: database.url,
    open: (options) => openTestCatalog(options?.dsn ?? database.url, options),
    query,
    async countLockWaits() {
      const waiting = "datname = current_database() and wait_event_type = 'Lock'";
      return (await query(`select pid from pg_stat_activity where ${waiting}`)).length;
    },
    async cutSessions() {
      const others = "datname = current_database() and pid <> pg_backend_pid()";
      await query(`select pg_terminate_backend(pid, 5000) from pg_stat_activity where ${others}`);
    },
    openSession: () => openHarnessSession(database.url),
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

it("refuses a PostgreSQL that may lose commits, unless it is told to take it", async () => {
  const database = await createDatabase();
  onTestFinished(() => database.drop());
  const name = new URL(database.dsn).pathname.slice(1);
  await database.query(`alter database ${name} set synchronous_commit = off`);
  const options = { dsn: database.dsn, logger: silentLogger, clock: systemClock };
  await expect(openSqlCatalog(options)).rejects.toMatchObject({
    code: "catalog_not_durable",
    message: "synchronous_commit is off",
  });
  const catalog = await openSqlCatalog({ ...options, allowUnsafe: true });
  expect(catalog.engine).toBe("postgres");
  await catalog.close();
});

it("says catalog_unavailable for a database that there is not, and takes the first of several hosts that takes writes", async () => {
  const database = await createDatabase();
  onTestFinished(() => database.drop());
  const open = (dsn: string) => openSqlCatalog({ dsn, logger: silentLogger, clock: systemClock });
  await expect(open(server.url.replace(/\/postgres$/, "/nosuchdatabase"))).rejects.toMatchObject({
    code: "catalog_unavailable",
  });
  const url = new URL(database.dsn);
  const catalog = await open(database.dsn.replace(url.host, `127.0.0.1:1,${url.host}`));
  expect((await catalog.head()).number).toBe(0);
  await catalog.close();
});
