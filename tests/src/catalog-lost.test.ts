import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import Database from "libsql";
import { describe, expect, it } from "vitest";
import type { PutReply } from "@koboldfs/protocol";
import { blobPath } from "./harness/blobs-on-disk.js";
import { type Cluster, NAMESPACE } from "./harness/cluster.js";
import { dropCatalog } from "./harness/drop-catalog.js";
import type { NodeProcess } from "./harness/node-process.js";
import { acknowledged, getFile, mustGet, mustPut, putFile, sha256 } from "./harness/raw-files.js";
import { jsonOf, rawRequest, refusalOf } from "./harness/raw-request.js";
import { rebuildFrom, startAllOn, stopAll, tryCatalogCommand } from "./harness/recovery.js";
import { COMMAND, mustRun } from "./harness/run-program.js";
import { createTestCatalog, reasonOf, whyEngineIsMissing } from "./harness/test-catalog.js";
import { withCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";
import { checkJournal } from "./history/check-journal.js";
import { readJournal } from "./history/read-journal.js";

const FILES = 20;
/** A group of the journal in the midst of the puts. */
const DAMAGED = 15;

/** Puts, overwrites and deletes through both nodes; answers what must be readable afterwards. */
async function fillCluster(cluster: Cluster): Promise<Map<string, string>> {
  const [a, b] = [cluster.node("a"), cluster.node("b")];
  const expected = new Map<string, string>();
  for (let index = 0; index < FILES; index += 1) {
    const [key, body] = [`k${index}`, `body ${index}`];
    await mustPut(index % 2 ? a.url : b.url, key, body);
    expected.set(key, body);
  }
  await mustPut(a.url, "k1", "overwritten");
  expected.set("k1", "overwritten");
  await rawRequest(b.url, { method: "DELETE", path: `/v1/files/${NAMESPACE}/k2` });
  expected.delete("k2");
  await cluster.waitUntilSettled();
  return expected;
}

async function expectFiles(cluster: Cluster, expected: ReadonlyMap<string, string>): Promise<void> {
  for (const node of cluster.running) {
    for (const [key, body] of expected) expect((await mustGet(node.url, key)).toString()).toBe(body);
    expect((await getFile(node.url, "k2")).status).toBe(404);
  }
}

function blobOf(node: NodeProcess, digest: string): string {
  return blobPath(node.data[0] ?? "", NAMESPACE, digest);
}

/** One bit of a group's bytes, as a disk may turn it. */
function damageGroup(mirror: string, number: number): void {
  const database = new Database(mirror);
  const changed = database
    .prepare("update journal_groups set bytes = cast(replace(bytes, 'body', 'bodx') || 'x' as blob) where last = ?")
    .run(number);
  database.close();
  if (changed.changes !== 1) throw new Error(`the mirror has no group that ends with ${number}`);
}

/** Takes the files of an SQLite catalog away, as they lie there after a crash. */
function moveAway({ dsn }: Cluster): { comeBack(): void } {
  const path = dsn.slice("sqlite:".length);
  const ends = ["", "-wal", "-shm"].filter((end) => existsSync(path + end));
  for (const end of ends) renameSync(path + end, `${path}.lost${end}`);
  return {
    comeBack() {
      for (const end of ends) renameSync(`${path}.lost${end}`, path + end);
    },
  };
}

const IDEMPOTENT = { body: "once", headers: { "idempotency-key": "the-one-request" } };

const mariadbMissing = await whyEngineIsMissing("mariadb");

describe("a catalog that is lost while no node runs", () => {
  it.skipIf(mariadbMissing !== undefined)(
    `is made again in MariaDB from mirrors and volumes, with names, versions, outcomes and settings${reasonOf(mariadbMissing)}`,
    () => loseAndRebuild("mariadb"),
  );

  it("is made again in SQLite, and the old file is refused when it comes back", () => loseAndRebuild("sqlite"));

  async function loseAndRebuild(engine: "sqlite" | "mariadb"): Promise<void> {
    await withCluster({ nodes: 2, engine: "sqlite" }, async (cluster) => {
      const [a, b] = [cluster.node("a"), cluster.node("b")];
      const expected = await fillCluster(cluster);
      const first = acknowledged(await putFile(a.url, "named", IDEMPOTENT));
      expected.set("named", "once");
      for (const node of cluster.nodes) await node.kill("SIGKILL");
      const lost = moveAway(cluster);
      const target = await createTestCatalog(engine, join(cluster.folder, "rebuilt"));
      const data = cluster.nodes.flatMap((node) => ["--data", node.data[0] ?? ""]);
      try {
        const report = await rebuildFrom(cluster, target.dsn, [...data, "--verify"]);
        expect(report).toMatchObject({
          names: expected.size,
          versions: 2,
          forks: [],
          unusable: [],
          uncheckedNodes: [],
        });
        expect(report.copies.onNodes).toEqual([0, 0, report.copies.blobs]);
        await startAllOn(cluster, target.dsn);
        await expectFiles(cluster, expected);
        expect(jsonOf<PutReply>(await putFile(b.url, "named", IDEMPOTENT)).version).toBe(first.version);
        await mustRun(COMMAND, ["undelete", `${NAMESPACE}/k2`, "--server", a.url]);
        expect((await mustGet(b.url, "k2")).toString()).toBe("body 2");
        expect(await mustPut(b.url, "later", "goes on")).toMatchObject({ copies: 2 });
        expect(checkJournal(await readJournal(target.dsn))).toEqual([]);
        await stopAll(cluster);
        lost.comeBack();
        a.useCatalog(cluster.dsn);
        await a.start();
        const refused = await putFile(a.url, "later", { body: "to the old catalog" });
        expect(refusalOf(refused)).toEqual({ status: 503, code: "catalog_outdated" });
        await waitUntil("reads come from the mirror", async () => {
          return (await getFile(a.url, "later")).headers["koboldfs-as-of"] !== undefined;
        });
        expect((await mustGet(a.url, "later")).toString()).toBe("goes on");
      } finally {
        await stopAll(cluster);
        await target.drop();
      }
    });
  }

  it("is made from what is left: a mirror that is damaged, bytes that are gone, a node that is away", async () => {
    await withCluster({ nodes: 3, engine: "sqlite" }, async (cluster) => {
      const [a, b, c] = [cluster.node("a"), cluster.node("b"), cluster.node("c")];
      const expected = await fillCluster(cluster);
      await stopAll(cluster);
      const [gone, lost] = [sha256("body 3"), sha256("body 4")];
      rmSync(blobOf(a, gone));
      for (const node of [a, b, c]) rmSync(blobOf(node, lost));
      damageGroup(join(a.data[0] ?? "", "mirror.sqlite"), DAMAGED);
      const target = await createTestCatalog("sqlite", join(cluster.folder, "rebuilt"));
      const data = [a, b].flatMap((node) => ["--data", node.data[0] ?? ""]);
      const { code, stdout } = await tryCatalogCommand(cluster, ["rebuild", "--dsn", target.dsn, ...data]);
      // Something is missing: whoever runs it in a script shall notice.
      expect(code).toBe(1);
      const report = JSON.parse(stdout) as Awaited<ReturnType<typeof rebuildFrom>>;
      expect(report).toMatchObject({ names: expected.size, uncheckedNodes: ["c"] });
      expect(report.mirrors.map(({ brokenAt }) => brokenAt)).toContain(DAMAGED);
      expect(report.copies.missing).toMatchObject([{ namespace: NAMESPACE, key: "k4", digest: lost }]);
      expect(report.copies.nodes).toMatchObject([
        { node: "a", lacking: 2, kept: "debts" },
        { node: "b", lacking: 1, kept: "debts" },
      ]);
      rmSync(join(a.data[0] ?? "", "mirror.sqlite"));
      await startAllOn(cluster, target.dsn);
      expected.delete("k4");
      await expectFiles(cluster, expected);
      await waitUntil("only the lost blob is owed", async () => {
        const infos = await cluster.nodeInfos();
        return infos.every(({ debtFiles, backfill }) => debtFiles === 1 && backfill === 1);
      });
      expect(existsSync(blobOf(a, gone))).toBe(true);
    });
  });

  it("is not made in a database that has one, nor from the folders of nodes that run", async () => {
    await withCluster({ nodes: 1, engine: "sqlite" }, async (cluster) => {
      const [node] = cluster.nodes;
      const data = ["--data", node?.data[0] ?? ""];
      await mustPut(node?.url ?? "", "k", "v");
      const other = `sqlite:${join(cluster.folder, "other.sqlite")}`;
      const codeOf = async (dsn: string, more: readonly string[] = []) => {
        const { stderr } = await tryCatalogCommand(cluster, ["rebuild", "--dsn", dsn, ...data, ...more]);
        return (JSON.parse(stderr) as { error: { code: string } }).error.code;
      };
      expect(await codeOf(other)).toBe("volume_in_use");
      await stopAll(cluster);
      expect(await codeOf(cluster.dsn)).toBe("catalog_not_empty");
      expect(await rebuildFrom(cluster, cluster.dsn, [...data, "--replace"])).toMatchObject({ names: 1 });
      await startAllOn(cluster, cluster.dsn);
      expect((await mustGet(node?.url ?? "", "k")).toString()).toBe("v");
    });
  });
});

describe("a catalog that is lost while nodes run", () => {
  it("is made again from what they tell, in another database", async () => {
    await withCluster({ nodes: 2, engine: "postgres" }, async (cluster) => {
      const [a, b] = [cluster.node("a"), cluster.node("b")];
      const expected = await fillCluster(cluster);
      const target = await createTestCatalog("sqlite", cluster.folder);
      const from = ["--server", a.url, "--verify"];
      const { stderr } = await tryCatalogCommand(cluster, ["rebuild", "--dsn", target.dsn, ...from]);
      expect(JSON.parse(stderr)).toMatchObject({ error: { code: "rebuild_refused" } });
      await dropCatalog(cluster);
      await waitUntil("the nodes notice", async () => {
        const reply = await rawRequest(a.url, { path: "/v1/status" });
        return jsonOf<{ asOf?: unknown }>(reply).asOf !== undefined;
      });
      const report = await rebuildFrom(cluster, target.dsn, from);
      expect(report).toMatchObject({ names: expected.size, uncheckedNodes: [], unusable: [] });
      expect(report.copies.onNodes).toEqual([0, 0, report.copies.blobs]);
      await stopAll(cluster);
      await startAllOn(cluster, target.dsn);
      await expectFiles(cluster, expected);
      expect(await mustPut(b.url, "later", "goes on")).toMatchObject({ copies: 2 });
    });
  });
});
