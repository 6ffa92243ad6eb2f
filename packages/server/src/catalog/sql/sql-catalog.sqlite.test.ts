import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { KnownHistory } from "../../model/commit-view.js";
import { contentOf, nodeId, putOf, setNamespaceOf } from "../../model/test-changes.js";
import { systemClock } from "../../runtime/clock.js";
import { silentLogger } from "../../runtime/logger.js";
import { SQLITE } from "../../runtime/sqlite-file.js";
import type { CommitWitness } from "../commit-witness.js";
import { describeCatalogConformance } from "../catalog-conformance.js";
import type { HarnessDatabase } from "../conformance/catalog-harness.js";
import { openSqlCatalog } from "./open-sql-catalog.js";
import { plainStatement, type SqlConnection } from "./sql-connection.js";
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
    countLockWaits: () => Promise.reject(new Error("who waits for a file's lock is not known")),
    cutSessions: () => Promise.reject(new Error("a file has no sessions")),
    openSession: () => openHarnessSession(dsn),
    drop: () => rm(folder, { recursive: true }),
  };
}

describeCatalogConformance({ engine: "sqlite", breaksFrozenLocks: false, isNetwork: false, createDatabase });

it("refuses a SQLite session that may lose commits, unless it is told to take it", async () => {
  const database = await createDatabase();
  onTestFinished(() => database.drop());
  const path = database.dsn.slice("sqlite:".length);
  const prepare = async () => {
    const connection = await openSqliteSession(path);
    await connection.run(plainStatement("pragma synchronous = normal"));
    return connection;
  };
  const options = { path, prepare, clock: systemClock, logger: silentLogger };
  const refused = openSqliteWriter({ ...options, allowUnsafe: false });
  await expect(refused).rejects.toMatchObject({
    code: "catalog_not_durable",
    message: "PRAGMA synchronous is not FULL",
  });
  const { writer } = await openSqliteWriter({ ...options, allowUnsafe: true });
  await writer.close();
});

it("makes the folders of a new file, and says catalog_unavailable for a path that cannot be one", async () => {
  const database = await createDatabase();
  onTestFinished(() => database.drop());
  const open = (dsn: string) => openSqlCatalog({ dsn, logger: silentLogger, clock: systemClock });
  const path = database.dsn.slice("sqlite:".length);
  const catalog = await open(`sqlite://${join(path, "..", "new", "deep", "c.sqlite")}`);
  expect(catalog.engine).toBe("sqlite");
  await catalog.close();
  await expect(open(`sqlite:${join(path, "..", "new")}`)).rejects.toMatchObject({ code: "catalog_unavailable" });
  await expect(open("sqlite:/dev/null/x")).rejects.toMatchObject({ code: "catalog_unavailable" });
});

it("says catalog_unavailable when there is no room, names nothing of it, and goes on when there is", async () => {
  const database = await createDatabase();
  onTestFinished(() => database.drop());
  const path = database.dsn.slice("sqlite:".length);
  let pages = 1_000_000;
  const connect = async () => {
    const connection = await openSqliteSession(path);
    await connection.run(plainStatement(`pragma max_page_count = ${pages}`));
    return connection;
  };
  const open = async () =>
    (await openSqliteWriter({ path, connect, allowUnsafe: false, clock: systemClock, logger: silentLogger })).writer;
  const writer = await open();
  await writer.commitGroup([setNamespaceOf()], () => {});
  await writer.close();
  // SQLite never goes below what the file has already.
  pages = 1;
  const full = await open();
  const metadata = { text: "x".repeat(60_000) };
  const put = putOf("a", "x", { content: contentOf("x", { metadata }) });
  await expect(full.commitGroup([put], () => {})).rejects.toMatchObject({ code: "catalog_unavailable" });
  await full.close();
  pages = 1_000_000;
  const again = await open();
  expect(await again.commitGroup([put], () => {})).toMatchObject({ outcomes: [{ ok: true, version: 2 }] });
  await again.close();
});

it("says catalog_unavailable at once when the disk is so full that SQLite has rolled back by itself", async () => {
  const database = await createDatabase();
  onTestFinished(() => database.drop());
  const path = database.dsn.slice("sqlite:".length);
  const full = Object.assign(new Error("database or disk is full"), { rawCode: SQLITE.FULL });
  const connect = async (): Promise<SqlConnection> => {
    const session = await openSqliteSession(path);
    return {
      // Nothing can be written, the void id of a group that shall be settled neither.
      run: (statement) => (statement.sql.startsWith("insert") ? Promise.reject(full) : session.run(statement)),
      runAll: async (statements) => {
        if (statements.at(-1)?.sql !== "commit") return session.runAll(statements);
        await session.run(plainStatement("rollback"));
        throw full;
      },
      get isUsable() {
        return session.isUsable;
      },
      close: () => session.close(),
      destroy: () => session.destroy(),
    };
  };
  const options = { path, allowUnsafe: false, clock: systemClock, logger: silentLogger };
  const { writer } = await openSqliteWriter({ ...options, connect });
  await expect(writer.commitGroup([setNamespaceOf()], () => {})).rejects.toMatchObject({ code: "catalog_unavailable" });
  await writer.close();
});

it("says that it is closed, not that something broke, after it was closed", async () => {
  const database = await createDatabase();
  onTestFinished(() => database.drop());
  const catalog = await database.open();
  await catalog.close();
  await expect(catalog.commit(setNamespaceOf())).rejects.toMatchObject({ code: "shutting_down" });
  await expect(catalog.setBackfillPosition(nodeId(1), 1)).rejects.toMatchObject({ code: "shutting_down" });
  await catalog.close();
});

it("writes nothing when it lacks what the committing node knows, and tells the witness of what it wrote", async () => {
  const database = await createDatabase();
  onTestFinished(() => database.drop());
  const confirmed: unknown[] = [];
  let known: KnownHistory | undefined;
  const witness: CommitWitness = {
    known: () => known,
    confirm: async (number, group) => {
      confirmed.push([number, group?.last]);
      return 2;
    },
  };
  const catalog = await openSqlCatalog({ dsn: database.dsn, logger: silentLogger, clock: systemClock, witness });
  expect(await catalog.commit(setNamespaceOf())).toMatchObject({ ok: true, mirrors: 2 });
  const { hash } = await catalog.head();
  const put = putOf("a", "x", { idempotency: { key: "i", fingerprint: "f" } });
  const fences: [KnownHistory, string][] = [
    [{ number: 2, hash: "0".repeat(64), epoch: 0 }, "catalog_behind"],
    [{ number: 1, hash: "0".repeat(64), epoch: 0 }, "history_forked"],
    [{ number: 1, hash, epoch: 1 }, "catalog_outdated"],
  ];
  for (const [history, code] of fences) {
    known = history;
    await expect(catalog.commit(put)).rejects.toMatchObject({ code });
  }
  known = { number: 1, hash, epoch: 0 };
  expect(await catalog.commit(put)).toMatchObject({ version: 2, replayed: false });
  expect(await catalog.commit(put)).toMatchObject({ version: 2, replayed: true, mirrors: 2 });
  expect(confirmed).toEqual([
    [1, 1],
    [2, 2],
    [2, undefined],
  ]);
  await catalog.close();
});
