import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { VolumeInfo } from "@koboldfs/protocol";
import { afterAll, describe, expect, it } from "vitest";
import { type Cluster } from "./harness/cluster.js";
import { NodeProcess } from "./harness/node-process.js";
import { mustGet, mustPut, sha256 } from "./harness/raw-files.js";
import { COMMAND, mustRun } from "./harness/run-program.js";
import { SmallMount } from "./harness/small-mount.js";
import { makeTempFolder } from "./harness/temp-folder.js";
import { reasonOf } from "./harness/test-catalog.js";
import { withCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";

const FILES = 30;
/** More than the other volume has free: new blobs go here. */
const CLAIMED_BYTES = 2 ** 44;

const temp = makeTempFolder();
const mount = new SmallMount(join(temp.path, "one"), CLAIMED_BYTES);
const firstMount = new SmallMount(join(temp.path, "two"), CLAIMED_BYTES);
afterAll(() => {
  for (const one of [mount, firstMount]) one.remove();
  temp.remove();
});

describe("a volume that is lost under a running node", () => {
  it.skipIf(mount.whyNot !== undefined)(
    `is taken out alone, what was on it is fetched onto the others, and it comes back${reasonOf(mount.whyNot)}`,
    async () => {
      await withCluster({ nodes: 1, engine: "sqlite" }, async (cluster) => {
        const a = cluster.node("a");
        const b = await startVolumes(cluster, [join(cluster.folder, "one"), join(mount.path, "two")]);
        const digests = await putMany(a, "before");
        await cluster.waitUntilSettled();

        mount.unmount();
        await waitForState(cluster, "out");
        const status = await mustRun(COMMAND, ["status"], { env: environmentOf(cluster) });
        expect(status).toContain(`volume ${join(mount.path, "two")} of b is taken out`);
        expect(status).toContain("not mounted");
        expect(b.log()).toContain("volume_suspect");
        await cluster.waitUntilSettled();
        await a.kill("SIGKILL");
        for (const [key, digest] of digests) expect(sha256(await mustGet(b.url, key))).toBe(digest);
        await a.start();
        await cluster.waitUntilAllSeeAll();
        expect(await mustPut(b.url, "meanwhile", "x")).toMatchObject({ copies: 2, wanted: 2 });

        mount.mount();
        await waitForState(cluster, "good");
        mount.setReadonly(true);
        await waitUntil("a put finds out that the volume is read-only", async () => {
          await mustPut(a.url, `readonly/${Math.random()}`, String(Math.random()));
          return (await stateOf(cluster)) === "out";
        });
        expect(await mustPut(b.url, "again", "y")).toMatchObject({ copies: 2, wanted: 2 });
        mount.setReadonly(false);
        await waitForState(cluster, "good");
        await cluster.waitUntilSettled();
        for (const [key, digest] of digests) expect(sha256(await mustGet(b.url, key))).toBe(digest);
        await b.stop();
      });
    },
  );
});

describe("the first of two volumes, on which the mirror is too, that is lost", () => {
  it.skipIf(firstMount.whyNot !== undefined)(
    `leaves a node that serves on, is not started without it, and comes back by one command${reasonOf(firstMount.whyNot)}`,
    async () => {
      await withCluster({ nodes: 1, engine: "sqlite" }, async (cluster) => {
        const a = cluster.node("a");
        const b = await startVolumes(cluster, [join(firstMount.path, "one"), join(cluster.folder, "two")]);
        const digests = await putMany(a, "before");
        await cluster.waitUntilSettled();

        firstMount.unmount();
        await waitForState(cluster, "out", firstMount);
        await cluster.waitUntilSettled();
        const during = await mustPut(b.url, "during", "d");
        expect(during).toMatchObject({ copies: 2, wanted: 2 });
        digests.set("during", during.digest);
        await a.kill("SIGKILL");
        for (const [key, digest] of digests) expect(sha256(await mustGet(b.url, key))).toBe(digest);
        await a.start();
        await cluster.waitUntilAllSeeAll();

        await b.stop();
        await b.startAndFail();
        expect(b.log()).toMatch(/volume_refused.*of this node is not there/);
        // Nothing came into being where the disk is not mounted, a second mirror least of all.
        expect(readdirSync(firstMount.path)).toEqual([]);
        await cluster.waitUntilState("b", "down");
        await mustRun(COMMAND, ["node", "refill", "b", "--yes"], { env: environmentOf(cluster) });
        const missed = await mustPut(a.url, "missed", "m");
        digests.set("missed", missed.digest);
        await b.start();
        await cluster.waitUntilAllSeeAll();
        await cluster.waitUntilSettled();
        await a.kill("SIGKILL");
        for (const [key, digest] of digests) expect(sha256(await mustGet(b.url, key))).toBe(digest);
        await a.start();
        await cluster.waitUntilAllSeeAll();
        await waitUntil("both mirrors take what is committed", async () => {
          return (await mustPut(b.url, "after", "x")).copies === 2;
        });
        await b.stop();
      });
    },
  );
});

async function startVolumes(cluster: Cluster, data: readonly string[]): Promise<NodeProcess> {
  for (const folder of data) mkdirSync(folder, { recursive: true });
  const b = new NodeProcess({ name: "b", data, dsn: cluster.dsn, cwd: cluster.folder, settings: cluster.settings() });
  cluster.nodes.push(b);
  await b.start();
  await cluster.waitUntilAllSeeAll();
  return b;
}

async function putMany(node: NodeProcess, folder: string): Promise<Map<string, string>> {
  const digests = new Map<string, string>();
  for (let file = 0; file < FILES; file += 1) {
    const key = `${folder}/${file}`;
    digests.set(key, (await mustPut(node.url, key, `content of ${key}; `.repeat(1 + file * 20))).digest);
  }
  return digests;
}

async function stateOf(cluster: Cluster, on = mount): Promise<VolumeInfo["state"] | undefined> {
  const { upkeep } = await cluster.nodeInfo("b");
  return upkeep?.volumes.find(({ path }) => path.startsWith(on.path))?.state;
}

async function waitForState(cluster: Cluster, state: VolumeInfo["state"], on = mount): Promise<void> {
  await waitUntil(`the volume is ${state}`, async () => (await stateOf(cluster, on)) === state);
}

function environmentOf(cluster: Cluster): Record<string, string> {
  return {
    KOBOLDFS_SERVER: cluster.running.map(({ url }) => url).join(","),
    ...(cluster.secret !== undefined && { KOBOLDFS_TOKEN: cluster.secret }),
  };
}
