import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeCatalogConformance } from "../catalog-conformance.js";
import type { HarnessDatabase } from "../conformance/catalog-harness.js";
import { plainStatement } from "./sql-connection.js";
import { SqliteConnection } from "./sqlite/sqlite-connection.js";
import { openTestCatalog } from "./test-engines.js";

async function createDatabase(): Promise<HarnessDatabase> {
  const folder = await mkdtemp(join(tmpdir(), "koboldfs-catalog-"));
  const path = join(folder, "catalog.sqlite");
  const dsn = `sqlite:${path}`;
  return {
    dsn,
    open: (options) => openTestCatalog(options?.dsn ?? dsn, options),
    async query(sql) {
      const connection = new SqliteConnection(path);
      const { rows } = await connection.run(plainStatement<Record<string, unknown>>(sql));
      await connection.close();
      return rows;
    },
    cutSessions: () => Promise.reject(new Error("a file has no sessions")),
    drop: () => rm(folder, { recursive: true }),
  };
}

describeCatalogConformance({ engine: "sqlite", breaksFrozenLocks: false, isNetwork: false, createDatabase });
