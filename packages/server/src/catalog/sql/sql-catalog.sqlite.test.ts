import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.js";
import { silentLogger } from "../../runtime/logger.js";
import { describeCatalogConformance } from "../catalog-conformance.js";
import type { HarnessDatabase } from "../conformance/catalog-harness.js";
import { openSqlCatalog } from "./open-sql-catalog.js";
import { plainStatement } from "./sql-connection.js";
import { openSqliteWriter } from "./sqlite/open-sqlite-writer.js";
import { openHarnessSession, openSqliteSession, openTestCatalog } from "./test-engines.js";

async function createDatabase(): Promise<HarnessDatabase> {
  const folder = await mkdtemp(join(tmpdir(), "koboldfs-catalog-"));
  const path = join(folder, "catalog.sqlite");
  const dsn = `sqlite:${path}`;
  return {
    dsn,
    open: (options) => openTestCatalog(options?.dsn ?? dsn, options),
    async query(sql) {
      const connection = await openSqliteSession(path);
      const { rows } = await connection.run(plainStatement<Record<string, unknown>>(sql));
      await connection.close();
      return rows;
    },
    cutSessions: () => Promise.reject(new Error("a file has no sessions")),
    openSession: () => openHarnessSession(dsn),
    drop: () => rm(folder, { recursive: true }),
  };
}

describeCatalogConformance({ engine: "sqlite", breaksFrozenLocks: false, isNetwork: false, createDatabase });

it("refuses a SQLite session that may lose commits, unless it is told to take it", async () => {
  const database = await createDatabase();
  const path = database.dsn.slice("sqlite:".length);
  const prepare = async () => {
    const connection = await openSqliteSession(path);
    await connection.run(plainStatement("pragma synchronous = normal"));
    return connection;
  };
  const options = { path, prepare, clock: systemClock, logger: silentLogger };
  const refused = openSqliteWriter({ ...options, allowUnsafe: false });
  await expect(refused).rejects.toMatchObject({ code: "catalog_not_durable", message: "PRAGMA synchronous is not FULL" });
  const { writer } = await openSqliteWriter({ ...options, allowUnsafe: true });
  await writer.close();
  await database.drop();
});

it("makes the folders of a new file, and says catalog_unavailable for a path that cannot be one", async () => {
  const database = await createDatabase();
  const open = (dsn: string) => openSqlCatalog({ dsn, logger: silentLogger, clock: systemClock });
  const path = database.dsn.slice("sqlite:".length);
  const catalog = await open(`sqlite://${join(path, "..", "new", "deep", "c.sqlite")}`);
  expect(catalog.engine).toBe("sqlite");
  await catalog.close();
  await expect(open(`sqlite:${join(path, "..", "new")}`)).rejects.toMatchObject({ code: "catalog_unavailable" });
  await expect(open("sqlite:/dev/null/x")).rejects.toMatchObject({ code: "catalog_unavailable" });
  await database.drop();
});
