import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Client, type ClientOptions, formatDecisionsTable } from "@koboldfs/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Application, type ApplicationEngine, openApplication, wrapTransactions } from "./coupled/application.js";
import { COUPLED_STEPS, type CoupledStep, replaceCommit, watchSteps } from "./coupled/coupled-step.js";
import { NAMESPACE } from "./harness/cluster.js";
import { runProgram } from "./harness/run-program.js";
import { createTestCatalog, reasonOf, type TestCatalog, whyEngineIsMissing } from "./harness/test-catalog.js";
import { useCluster } from "./harness/use-cluster.js";

const DEATH = fileURLToPath(new URL("./programs/coupled-death.js", import.meta.url));
const DECIDED: readonly CoupledStep[] = ["rows-committed", "files-committed"];
const NOW = { minAgeMs: 0 };
/** By the clock of each database. */
const LONG_AGO: Readonly<Record<ApplicationEngine, string>> = {
  sqlite: "unixepoch() - 31 * 86400",
  postgres: "now() - interval '31 days'",
  mariadb: "now() - interval 31 day",
};

const cluster = useCluster({ nodes: 2, engine: "sqlite" });
const folder = mkdtempSync(join(tmpdir(), "koboldfs-applications-"));
const clients: Client[] = [];
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  rmSync(folder, { recursive: true });
});

function connect(options: Partial<ClientOptions> = {}): Client {
  const { secret, nodes } = cluster();
  const token = secret === undefined ? {} : { token: secret };
  const client = new Client(NAMESPACE, { servers: nodes.map(({ url }) => url), ...token, ...options });
  clients.push(client);
  return client;
}

const missingMariadb = await whyEngineIsMissing("mariadb");
const engines: readonly ApplicationEngine[] = ["sqlite", "postgres", "mariadb"];
for (const engine of engines) {
  const missing = await whyEngineIsMissing(engine);
  describe.skipIf(missing !== undefined)(`files and rows of ${engine}${reasonOf(missing)}`, () => {
    let database: TestCatalog;
    let dsn: string;
    let application: Application;
    beforeAll(async () => {
      database = await createTestCatalog(engine, folder);
      dsn = engine === "sqlite" ? join(folder, "application.sqlite") : database.dsn;
      application = await openApplication(engine, dsn);
    });
    afterAll(async () => {
      await application.close();
      await database.drop();
    });

    /** What there is of a document: both, or neither. */
    async function look(client: Client, key: string) {
      return { file: (await client.stat(key)) !== undefined, row: (await application.readRows()).has(key) };
    }
    const BOTH = { file: true, row: true };
    const NEITHER = { file: false, row: false };

    async function listPrepared(client: Client): Promise<string[]> {
      const ids: string[] = [];
      for await (const { id } of client.listTransactions({ state: "prepared" })) ids.push(id);
      return ids;
    }

    it("are committed together, and what the work answers is answered", async () => {
      const client = connect();
      const key = `${engine}/both`;
      const answer = await client.withDatabase(application.adapter, async ({ tx, sql }) => {
        await tx.files.put(key, Buffer.from("text"));
        await sql(key, "text");
        expect(await client.stat(key)).toBeUndefined();
        return 42;
      });
      expect([answer, await look(client, key)]).toEqual([42, BOTH]);
      expect(await listPrepared(client)).toEqual([]);
    });

    it("are both left as they were when the work throws, and when the files refuse", async () => {
      const client = connect();
      const key = `${engine}/neither`;
      const failing = client.withDatabase(application.adapter, async ({ tx, sql }) => {
        await tx.files.put(key, Buffer.from("text"));
        await sql(key, "text");
        throw new Error("changed my mind");
      });
      await expect(failing).rejects.toThrow("changed my mind");
      expect(await look(client, key)).toEqual(NEITHER);
      const refused = client.withDatabase(application.adapter, async ({ tx, sql }) => {
        await tx.files.put(`${key}/seen`, Buffer.from("text"), { ifNoneMatch: "*" });
        await sql(key, "text");
        await client.put(`${key}/seen`, Buffer.from("somebody else's"));
      });
      await expect(refused).rejects.toMatchObject({ code: "transaction_conflict" });
      expect((await application.readRows()).has(key)).toBe(false);
    });

    it("are both there when the answer to the database's commit is lost, and neither when it was not done", async () => {
      const client = connect();
      const write = (adapter: typeof application.adapter, key: string) =>
        client.withDatabase(adapter, async ({ tx, sql }) => {
          await tx.files.put(key, Buffer.from("text"));
          await sql(key, "text");
        });
      const lostAnswer = replaceCommit(application.adapter, async (transaction) => {
        await transaction.commit();
        throw new Error("the connection broke behind the commit");
      });
      await write(lostAnswer, `${engine}/lost answer`);
      expect(await look(client, `${engine}/lost answer`)).toEqual(BOTH);
      const brokenBefore = replaceCommit(application.adapter, async (transaction) => {
        await transaction.rollback();
        throw new Error("the connection broke before the commit");
      });
      const failing = write(brokenBefore, `${engine}/lost commit`);
      await expect(failing).rejects.toThrow("broke before the commit");
      expect(await look(client, `${engine}/lost commit`)).toEqual(NEITHER);
      expect(await listPrepared(client)).toEqual([]);
    });

    it.each(COUPLED_STEPS)("are found again both or neither after a SIGKILL when %s", async (step) => {
      const client = connect();
      const key = `${engine}/killed ${step}`;
      const servers = cluster()
        .nodes.map(({ url }) => url)
        .join(",");
      const outcome = await runProgram(DEATH, [engine, dsn, servers, cluster().secret ?? "", NAMESPACE, key, step]);
      expect(outcome).toMatchObject({ code: null, stderr: "" });
      const report = await client.recoverTransactions(application.adapter, NOW);
      expect(report.failed).toEqual([]);
      expect(await look(client, key)).toEqual(DECIDED.includes(step) ? BOTH : NEITHER);
      expect([report.committed.length, report.aborted.length]).toEqual([
        step === "rows-committed" ? 1 : 0,
        step === "prepared" || step === "decided" ? 1 : 0,
      ]);
      expect(await listPrepared(client)).toEqual([]);
      if (step !== "begun" && step !== "staged") await client.put(key, Buffer.from("not held"));
    });

    it("are let be by a recovery while their transaction runs, and then committed", async () => {
      const client = connect();
      const key = `${engine}/slow`;
      const other = await openApplication(engine, dsn);
      let report: unknown;
      const slow = watchSteps(application.adapter, async (step) => {
        if (step !== "decided") return;
        const startedMs = performance.now();
        const recovery = await client.recoverTransactions(other.adapter, NOW);
        report = { ...recovery, isBounded: performance.now() - startedMs < 20_000 };
      });
      await client.withDatabase(slow, async ({ tx, sql }) => {
        await tx.files.put(key, Buffer.from("text"));
        await sql(key, "text");
      });
      expect(report).toMatchObject({ committed: [], aborted: [], failed: [], isBounded: true });
      expect((report as { running: string[] }).running).toHaveLength(1);
      await other.close();
      expect(await look(client, key)).toEqual(BOTH);
    });

    it("are both gone when a recovery came first", async () => {
      const client = connect();
      const key = `${engine}/recovered first`;
      const late = watchSteps(application.adapter, async (step) => {
        if (step !== "prepared" || engine === "sqlite") return;
        const report = await client.recoverTransactions(application.adapter, NOW);
        expect(report.aborted).toHaveLength(1);
      });
      const work = client.withDatabase(late, async ({ tx, sql }) => {
        await tx.files.put(key, Buffer.from("text"));
        await sql(key, "text");
      });
      // SQLite has one writer: whoever recovers waits for the transaction.
      if (engine === "sqlite") await work;
      else await expect(work).rejects.toMatchObject({ code: "transaction_finished" });
      expect(await look(client, key)).toEqual(engine === "sqlite" ? BOTH : NEITHER);
    });

    it("are seen both by a reader that knows the database and comes between the two commits", async () => {
      const reading = await openApplication(engine, dsn);
      const [plain, knowing] = [connect(), connect({ database: reading.adapter })];
      const [changed, named] = [`${engine}/changed`, `${engine}/named`];
      await plain.put(changed, Buffer.from("old"));
      const seen: unknown[] = [];
      const textOf = async (client: Client, key: string) =>
        Buffer.from((await client.getBytes(key)) ?? []).toString("utf8");
      const watched = watchSteps(application.adapter, async (step) => {
        if (step !== "rows-committed" && step !== "prepared") return;
        seen.push([step, await textOf(plain, changed), (await plain.stat(named))?.size]);
        seen.push([step, await textOf(knowing, changed), (await knowing.stat(named))?.size]);
      });
      await plain.withDatabase(watched, async ({ tx, sql }) => {
        for (const key of [changed, named]) {
          await tx.files.put(key, Buffer.from("next"));
          await sql(key, "next");
        }
      });
      const undecided = ["prepared", "old", undefined];
      expect(seen).toEqual([
        ...[undecided, undecided],
        ["rows-committed", "old", undefined],
        ["rows-committed", "next", 4],
      ]);
      expect(await textOf(plain, changed)).toBe("next");
      await reading.close();
    });

    it("of another database are not touched by a recovery", async () => {
      const client = connect();
      const other = await openApplication("sqlite", join(folder, `other-${engine}.sqlite`));
      const prepared = await client.begin({ coordinator: "somebody" });
      await prepared.files.put(`${engine}/somebody's`, Buffer.from("text"));
      await prepared.prepare();
      for (const { adapter } of [application, other]) {
        const report = await client.recoverTransactions(adapter, NOW);
        expect(report).toMatchObject({ committed: [], aborted: [], running: [], failed: [] });
      }
      await prepared.commit();
      await other.close();
    });

    it("need a table, which is created with the first use or by its printed definition", async () => {
      const made = await createTestCatalog(engine, join(folder));
      const path = engine === "sqlite" ? join(folder, "printed.sqlite") : made.dsn;
      const printed = await openApplication(engine, path);
      const { query, commit } = await printed.adapter.begin("write");
      await query(formatDecisionsTable(printed.adapter.dialect));
      await query("insert into koboldfs_decisions (id, decision) values ('coordinator', 'bookshop')");
      await commit();
      const client = connect();
      const id = await client.withDatabase(printed.adapter, async ({ tx, sql }) => {
        await sql("a row", "alone");
        return tx.id;
      });
      expect(id).toMatch(/^bookshop-/);
      await printed.close();
      await made.drop();
    });

    it("leave a decision for 30 days, and then for as long as the cluster knows of the transaction", async () => {
      const client = connect();
      const known = await client.withDatabase(application.adapter, async ({ tx, sql }) => {
        await sql(`${engine}/decided`, "alone");
        return tx.id;
      });
      const [forgotten, young] = [`${known.slice(0, -8)}00000000`, `${known.slice(0, -8)}11111111`];
      const { query, commit } = await application.adapter.begin("write");
      for (const id of [forgotten, young]) {
        await query(`insert into koboldfs_decisions (id, decision) values ('${id}', 'commit')`);
      }
      const age = `update koboldfs_decisions set decided_at = ${LONG_AGO[engine]} where id in ('${known}', '${forgotten}')`;
      await query(age);
      await commit();
      expect((await client.recoverTransactions(application.adapter, NOW)).pruned).toBe(1);
      const decisions = await readDecisions(application);
      expect([known, forgotten, young].map((id) => decisions.has(id))).toEqual([true, false, true]);
    });

    it("are recovered by a timer, which tells when it cannot and goes on", async () => {
      const client = connect();
      const reports: unknown[] = [];
      const errors: unknown[] = [];
      let isAway = true;
      const adapter = {
        ...application.adapter,
        begin: (purpose: "read" | "write") =>
          isAway ? Promise.reject(new Error("the database is away")) : application.adapter.begin(purpose),
      };
      const recovery = client.startRecovery(adapter, {
        ...NOW,
        everyMs: 50,
        onReport: (report) => reports.push(report),
        onError: (reason) => errors.push(reason),
      });
      await expect.poll(() => errors.length, { timeout: 10_000 }).toBeGreaterThan(1);
      expect([errors[0], reports]).toMatchObject([{ message: "the database is away" }, []]);
      isAway = false;
      await expect.poll(() => reports.length, { timeout: 10_000 }).toBeGreaterThan(1);
      await recovery.stop();
      const told = reports.length;
      await sleep(200);
      expect(reports).toHaveLength(told);
    });
  });
}

async function readDecisions({ adapter }: Application): Promise<Set<unknown>> {
  const { query, commit } = await adapter.begin("read");
  const rows = await query("select id from koboldfs_decisions");
  await commit();
  return new Set(rows.map(({ id }) => id));
}

/** Opens one with a careless setting, and answers what is said of it, and a setting as the work finds it. */
async function useCarelessly(engine: ApplicationEngine, dsn: string, setUp: string, question: string) {
  const warnings: string[] = [];
  const careless = await openApplication(engine, dsn, { setUp, onWarning: (sentence) => warnings.push(sentence) });
  let found: unknown;
  const asking = wrapTransactions(careless.adapter, (transaction) => ({
    ...transaction,
    sql: async (...written: Parameters<typeof transaction.sql>) => {
      const [row] = await transaction.query(question);
      found = Object.values(row ?? {})[0];
      await transaction.sql(...written);
    },
  }));
  for (let times = 0; times < 2; times += 1) {
    await connect().withDatabase(asking, async ({ sql }) => sql("careless", "text"));
  }
  await careless.close();
  return { warnings, found };
}

describe("commits of the application's database that a power cut might take back", () => {
  it("are made durable where that can be asked for", async () => {
    const lax = await useCarelessly(
      ...(["sqlite", join(folder, "lax.sqlite"), "pragma synchronous = off"] as const),
      "select synchronous from pragma_synchronous",
    );
    expect(lax).toEqual({ warnings: [], found: 2 });
    const { dsn, drop } = await createTestCatalog("postgres", folder);
    const off = await useCarelessly(
      ...(["postgres", dsn, "set synchronous_commit = off"] as const),
      "select current_setting('synchronous_commit')",
    );
    expect(off).toEqual({ warnings: [], found: "on" });
    const remote = "set synchronous_commit = remote_apply";
    const kept = await useCarelessly("postgres", dsn, remote, "select current_setting('synchronous_commit')");
    expect(kept.found).toBe("remote_apply");
    await drop();
  });

  it("are warned of once where nothing can be done about them", async () => {
    const { warnings } = await useCarelessly(
      ...(["sqlite", join(folder, "memory.sqlite"), "pragma journal_mode = memory"] as const),
      "select 1",
    );
    expect(warnings).toEqual([expect.stringContaining("SQLite keeps its journal in memory")]);
  });

  it.skipIf(missingMariadb !== undefined)("are warned of with MariaDB", async () => {
    const { dsn, drop } = await createTestCatalog("mariadb", folder);
    const server = await openApplication("mariadb", dsn);
    const setGlobal = async (value: number) => {
      const { query, commit } = await server.adapter.begin("write");
      await query(`set global innodb_flush_log_at_trx_commit = ${value}`);
      await commit();
    };
    await setGlobal(2);
    try {
      const { warnings } = await useCarelessly("mariadb", dsn, "", "select 1");
      expect(warnings).toEqual([expect.stringContaining("innodb_flush_log_at_trx_commit is not 1")]);
    } finally {
      await setGlobal(1);
      await server.close();
      await drop();
    }
  });
});
