import { CommitRunner } from "./commit/commit-runner.js";
import { JournalCompleter } from "./commit/journal-completer.js";
import { checkDurability, prepareCatalog } from "./migrate.js";
import { openComparedSession } from "./compared-session.js";
import type { NetworkEngine } from "./network-engine.js";
import { createCatalogQueries } from "./queries/catalog-queries.js";
import { RetryingRunner } from "./retrying-runner.js";
import { SessionPool } from "./session-pool.js";
import { SqlCatalog } from "./sql-catalog.js";
import type { SqlCatalogOptions } from "./sql-catalog-options.js";
import { classifyFailure, translateFailure } from "./sql-failure.js";
import { SqlWriter } from "./sql-writer.js";

/** A catalog in a database server: one session commits, a few others read and do the rest. */
export async function openNetworkCatalog(engine: NetworkEngine, options: SqlCatalogOptions): Promise<SqlCatalog> {
  const { dialect } = engine;
  const { clock, logger } = options;
  const queries = createCatalogQueries(dialect);
  const clusterId = await prepare(engine, queries, options);
  const { witness } = options;
  engine.watchHost(() => witness?.noteDoubt?.());
  const open = () => openComparedSession({ connect: () => engine.connect("read"), queries, witness });
  const pool = new SessionPool({ connect: open, dialect, onUse: () => engine.noteUse() });
  const runner = new RetryingRunner({ runner: pool, dialect, clock });
  const connect = () => engine.connect("commit");
  const commits = new CommitRunner({ dialect, queries, connect, clock, logger });
  const completer = new JournalCompleter({ dialect, queries, connect });
  const writer = new SqlWriter({ queries, commits, completer, runner, release: async () => {} });
  const parts = {
    clusterId,
    engine: engine.name,
    queries,
    runner,
    writer,
    gathersLookups: true,
    witness,
  };
  return new SqlCatalog({ ...parts, release: () => pool.close() });
}

async function prepare(
  engine: NetworkEngine,
  queries: ReturnType<typeof createCatalogQueries>,
  { allowUnsafe, clusterId }: Pick<SqlCatalogOptions, "allowUnsafe" | "clusterId">,
) {
  const { dialect } = engine;
  try {
    const connection = await engine.connect("prepare");
    try {
      if (allowUnsafe !== true) await checkDurability({ connection, dialect, queries });
      return await prepareCatalog({ connection, dialect, queries, ...(clusterId !== undefined && { clusterId }) });
    } finally {
      await connection.close();
    }
  } catch (error) {
    throw translateFailure(classifyFailure(dialect, error), error);
  }
}
