import { copyFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { findLost } from "./accounting/check-writes.js";
import { WriteLedger } from "./accounting/write-ledger.js";
import { Cluster, NAMESPACE } from "./harness/cluster.js";
import { LoopDisk } from "./harness/loop-disk.js";
import type { NodeProcess } from "./harness/node-process.js";
import { seededRandom } from "./harness/random.js";
import { reasonOf } from "./harness/test-catalog.js";
import { waitUntil } from "./harness/wait-until.js";
import { checkJournal, type StoredJournal } from "./history/check-journal.js";
import { readJournal } from "./history/read-journal.js";

const CUTS = 3;
const WRITERS = 4;
const NO_FSYNC = new URL("./programs/no-fsync.js", import.meta.url).href;

const made = await LoopDisk.make();
const why = "skip" in made ? made.skip : undefined;
if (!("skip" in made)) made.remove();

describe("a machine whose power is cut while clients write", () => {
  const open: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of open.splice(0).reverse()) await close();
  });

  /** One node with volume, mirror and catalog on one disk: nothing else can stand in for what that loses. */
  async function makeMachine(): Promise<{ disk: LoopDisk; cluster: Cluster; node: NodeProcess }> {
    const disk = await LoopDisk.make();
    if ("skip" in disk) throw new Error(disk.skip);
    open.push(async () => disk.remove());
    const dsn = `sqlite:${join(disk.path, "catalog.sqlite")}`;
    const catalog = async () => ({ dsn, drop: async () => {} });
    const dataOf = () => join(disk.path, "data");
    const cluster = await Cluster.prepare({ nodes: 1, engine: "sqlite", catalog, dataOf });
    open.push(() => cluster.close());
    return { disk, cluster, node: await cluster.prepareNode("a") };
  }

  it.skipIf(why !== undefined)(`has every acknowledged file when it is back${reasonOf(why)}`, async () => {
    const random = seededRandom("power cut");
    const { disk, cluster, node } = await makeMachine();
    const ledger = new WriteLedger();
    await node.start();
    await cluster.createNamespace(NAMESPACE);
    for (let cut = 0; cut < CUTS; cut += 1) {
      await writeUntilCut({ disk, node, ledger, cut, puts: random.between(20, 200) });
      await node.start();
      expect(await findLost(node, ledger.acknowledged)).toEqual([]);
    }
    await node.kill("SIGKILL");
    expect(checkJournal(await readCopy(disk, cluster))).toEqual([]);
    expect(ledger.acknowledged.length).toBeGreaterThan(CUTS * 20);
  });

  it.skipIf(why !== undefined)(`has not when it does not fsync, and this test sees it${reasonOf(why)}`, async () => {
    const { disk, cluster, node } = await makeMachine();
    const ledger = new WriteLedger();
    await node.start();
    await cluster.createNamespace(NAMESPACE);
    await node.stop();
    await node.start({ preload: NO_FSYNC });
    await writeUntilCut({ disk, node, ledger, cut: 0, puts: 100 });
    await node.start();
    expect((await findLost(node, ledger.acknowledged)).length).toBeGreaterThan(0);
  });
});

/** Beside the disk: SQLite's sessions end when they are collected, and until then they would keep it mounted. */
function readCopy(disk: LoopDisk, cluster: Cluster): Promise<StoredJournal> {
  const names = readdirSync(disk.path).filter((name) => /^catalog\.sqlite(-wal)?$/.test(name));
  for (const name of names) copyFileSync(join(disk.path, name), join(cluster.folder, name));
  return readJournal(`sqlite:${join(cluster.folder, "catalog.sqlite")}`);
}

interface CutOptions {
  readonly disk: LoopDisk;
  readonly node: NodeProcess;
  readonly ledger: WriteLedger;
  readonly cut: number;
  readonly puts: number;
}

async function writeUntilCut({ disk, node, ledger, cut, puts }: CutOptions): Promise<void> {
  let isCut = false;
  const before = ledger.acknowledged.length;
  const write = async (writer: number): Promise<void> => {
    for (let turn = 0; !isCut; turn += 1) {
      const key = `cut ${cut}/${writer}-${turn}`;
      await ledger.put(node.url, key, `${key} `.repeat(1 + ((turn * 53) % 3_000)));
    }
  };
  const writers = Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
  await waitUntil("enough puts are acknowledged", () => ledger.acknowledged.length >= before + puts, { pollMs: 1 });
  disk.cutPower();
  isCut = true;
  await node.kill("SIGKILL");
  await writers;
  disk.restorePower();
}
