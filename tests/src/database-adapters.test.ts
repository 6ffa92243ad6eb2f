import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { ClientPool, type DatabaseTransaction } from "@koboldfs/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADAPTER_CASES, type OpenedAdapter, type Recipes } from "./coupled/adapter-cases.js";
import { makePrismaFolder, whyPrismaIsMissing } from "./coupled/prisma.js";
import { CHECKOUT, type MarkdownBlock, readBlocks } from "./documents/markdown-blocks.js";
import { compileExamples } from "./documents/typescript-example.js";
import { NAMESPACE } from "./harness/cluster.js";
import { createTestCatalog, reasonOf, type TestCatalog, whyEngineIsMissing } from "./harness/test-catalog.js";
import { useCluster } from "./harness/use-cluster.js";

/** More than any of their pools has connections. */
const MANY = 12;
const SOON_MS = 10_000;
const TABLE = "create table things (name varchar(40) primary key)";

const cluster = useCluster({ nodes: 2, engine: "sqlite" });
const folder = mkdtempSync(join(tmpdir(), "koboldfs-adapters-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Compiles the recipes as they stand in the document, that of Prisma where that is installed. */
async function loadRecipes(): Promise<Recipes> {
  symlinkSync(join(CHECKOUT, "node_modules"), join(folder, "node_modules"));
  const blocks = readBlocks("docs/transactions-recipes.md").filter(({ language }) => language === "ts");
  const isPrismas = ({ text }: MarkdownBlock) => text.includes("@prisma/client");
  const modules = await compileAndLoad(
    blocks.filter((block) => !isPrismas(block)),
    folder,
  );
  if (whyPrismaIsMissing !== undefined) return modules;
  return { ...modules, ...(await compileAndLoad(blocks.filter(isPrismas), makePrismaFolder(join(folder, "prisma")))) };
}

async function compileAndLoad(blocks: readonly MarkdownBlock[], into: string): Promise<Recipes> {
  const texts = blocks.map(({ text }) => [/^\/\/ (\S+\.ts)\n/.exec(text)?.[1] ?? "", text] as const);
  compileExamples(Object.fromEntries(texts), into);
  const modules = texts.map(([name]) => import(pathToFileURL(join(into, name.replace(/ts$/, "js"))).href));
  return Object.assign({}, ...((await Promise.all(modules)) as object[])) as Recipes;
}

let recipes: Recipes;
beforeAll(async () => {
  recipes = await loadRecipes();
});

/** Fails when it does not come to an end. */
function inTime<Value>(work: Promise<Value>): Promise<Value> {
  const late = async () => {
    await sleep(SOON_MS, undefined, { ref: false });
    throw new Error(`it did not end within ${SOON_MS} ms`);
  };
  return Promise.race([work, late()]);
}

for (const { name, engine, breaks, open, ...one } of ADAPTER_CASES) {
  const missing = one.missing ?? (await whyEngineIsMissing(engine));
  describe.skipIf(missing !== undefined)(`an adapter of ${name}${reasonOf(missing)}`, () => {
    let database: TestCatalog;
    let opened: OpenedAdapter;
    const begin = (purpose: "read" | "write" = "write") => inTime(opened.adapter.begin(purpose));
    const hold = (at: number) => (engine === "postgres" ? `$${at}` : "?");
    const insert = ({ query }: DatabaseTransaction<unknown>, thing: string) =>
      query(`insert into things (name) values (${hold(1)})`, [thing]);
    beforeAll(async () => {
      database = await createTestCatalog(engine, folder);
      const dsn = engine === "sqlite" ? join(folder, "adapter.sqlite") : database.dsn;
      opened = await open(dsn, recipes);
      const { query, commit } = await begin();
      await query(TABLE);
      await commit();
    });
    afterAll(async () => {
      await opened.close();
      await database.drop();
    });

    /** A pool may give out once what broke in its hands. */
    async function beginAnyhow(purpose: "read" | "write" = "write"): Promise<DatabaseTransaction<unknown>> {
      for (let tries = 1; ; tries += 1) {
        try {
          return await begin(purpose);
        } catch (thrown) {
          if (tries === MANY) throw thrown;
        }
      }
    }

    async function listThings(): Promise<string[]> {
      const { query, commit } = await beginAnyhow("read");
      const rows = await query(`select name from things where name <> ${hold(1)} order by name`, ["x"]);
      await commit();
      return rows.map((row) => String(row["name"]));
    }

    it("commits what was done in a transaction, rolls it back, and gives its connections back", async () => {
      for (let times = 0; times < MANY; times += 1) {
        const one = await begin();
        await insert(one, `committed ${times}`);
        await one.commit();
        const other = await begin();
        await insert(other, `rolled back ${times}`);
        await other.rollback();
      }
      expect(await listThings()).toHaveLength(MANY);
      expect((await listThings()).filter((thing) => thing.startsWith("rolled"))).toEqual([]);
    });

    it("tells of a statement that fails, and goes on with the next transaction", async () => {
      for (let times = 0; times < MANY; times += 1) {
        const transaction = await begin();
        await insert(transaction, "not kept");
        await expect(insert(transaction, "not kept")).rejects.toThrow();
        await inTime(transaction.rollback());
      }
      expect(await listThings()).not.toContain("not kept");
    });

    const cut = `ends in time, whatever it is asked, when its connection is cut${reasonOf(breaks)}`;
    it.skipIf(breaks !== undefined)(cut, async () => {
      for (let times = 0; times < MANY; times += 1) {
        const [victim, cutter] = [await beginAnyhow(), await beginAnyhow()];
        await insert(victim, "cut");
        const ask = engine === "postgres" ? "select pg_backend_pid() as id" : "select connection_id() as id";
        const id = Number((await victim.query(ask))[0]?.["id"]);
        await cutter.query(engine === "postgres" ? `select pg_terminate_backend(${id})` : `kill ${id}`);
        await cutter.commit();
        if (times % 2 === 0) await expect(inTime(victim.query(ask))).rejects.not.toThrow("did not end");
        if (times % 3 === 0) await expect(inTime(victim.commit())).rejects.not.toThrow("did not end");
        else await inTime(victim.rollback()).catch((thrown) => expect(String(thrown)).not.toContain("did not end"));
      }
      expect(await listThings()).not.toContain("cut");
    });

    it("couples files and rows, and is recovered", async () => {
      const { secret, nodes } = cluster();
      const servers = nodes.map(({ url }) => url);
      const pool = new ClientPool({ servers, ...(secret !== undefined && { token: secret }) });
      const files = pool.client(NAMESPACE);
      const write = (thing: string, throws: boolean) =>
        pool.withDatabase(opened.adapter, async ({ tx }) => {
          await tx.client(NAMESPACE).put(`${name}/${thing}`, Buffer.from(thing));
          if (throws) throw new Error("changed my mind");
        });
      await inTime(write("both", false));
      await expect(inTime(write("neither", true))).rejects.toThrow("changed my mind");
      expect((await files.stat(`${name}/both`))?.size).toBe(4);
      expect(await files.stat(`${name}/neither`)).toBeUndefined();
      const report = await inTime(pool.recoverTransactions(opened.adapter, { minAgeMs: 0 }));
      expect(report).toMatchObject({ committed: [], aborted: [], running: [], failed: [] });
      const left = await pool.withDatabase(opened.adapter, async ({ tx }) => {
        const begun = await pool.begin({ coordinator: tx.id.slice(0, tx.id.indexOf("-")) });
        await begun.client(NAMESPACE).put(`${name}/left`, Buffer.from("left"));
        await begun.prepare();
        return begun.id;
      });
      expect((await inTime(pool.recoverTransactions(opened.adapter, { minAgeMs: 0 }))).aborted).toEqual([left]);
      await pool.close();
    });
  });
}
