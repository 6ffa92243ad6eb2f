import { mkdirSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Client } from "@koboldfs/client";
import { describe, expect, it } from "vitest";
import { type Cluster, NAMESPACE } from "./harness/cluster.js";
import { concurrently } from "./harness/concurrently.js";
import { runSync, type SyncResult, waitForWork } from "./harness/sync-process.js";
import { withCluster } from "./harness/use-cluster.js";
import { listFiles, REAL_TREE, selectFiles } from "./trees/select-files.js";

/**
 * Real files, once as they are and three times only their beginning with another ending: no two blobs are equal, and most
 * files are small, because what is shown depends on how many they are.
 */
const REAL_FILES = 5_000;
const COPIES = 4;
const BEGINNING_BYTES = 512;
const FILES = REAL_FILES * COPIES;
const KILLS = 5;
const WIDTH = 16;
const MIB = 1024 * 1024;
/** Node itself takes 60 MiB, sixteen files of a MiB and their buffers the rest; none of it grows with the tree. */
const MAX_MEMORY_BYTES = 200 * MIB;
/** Of the time that the transfer took. Measured are some hundredths, so this leaves room for a busy machine. */
const MAX_SECOND_RUN_SHARE = 0.2;
/** Minutes on a machine of one's own; this waits for 40,000 durable copies on one that others use too. */
const TIMEOUT_MS = 1_800_000;

describe(`a sync of ${FILES} real files through three nodes`, () => {
  it(
    `arrives byte for byte, up and down, though it is killed ${KILLS} times and each node once; the second run only looks`,
    async () => {
      await withCluster({ nodes: 3, engine: "sqlite" }, async (cluster) => {
        const tree = await copyTree(cluster);
        const servers = ["--server", cluster.urls.join(",")];
        const up = [join(cluster.folder, "up"), NAMESPACE, ...servers];
        const down = [NAMESPACE, join(cluster.folder, "down"), ...servers];
        const cacheFolder = join(cluster.folder, "cache");

        const broken = await sendBroken(cluster, up, cacheFolder);
        const last = await runSync(up, { cacheFolder });
        expect(last).toMatchObject({ code: 0, complaints: "", counts: { failed: 0, ignored: 0, deleted: 0 } });
        expect((last.counts?.transferred ?? 0) + (last.counts?.skipped ?? 0)).toBe(FILES);
        // What arrived before a death is not sent again, but for the files that were on their way.
        expect(last.counts?.skipped).toBeGreaterThan(FILES / 2);
        const again = await runSync(up, { cacheFolder });
        expectOnlyLooked(again);

        const fetched = await runSync(down, { cacheFolder });
        expect(fetched).toMatchObject({ code: 0, complaints: "", counts: { transferred: FILES, failed: 0 } });
        const fetchedAgain = await runSync(down, { cacheFolder });
        expectOnlyLooked(fetchedAgain);
        expectSameBytes(cluster, tree);

        const sending = [...broken, last];
        const sendingSeconds = sending.reduce((sum, { seconds }) => sum + seconds, 0);
        const shares = {
          up: again.seconds / sendingSeconds,
          // Alone it says little: small files come many at a time, nearly as fast as they are looked at.
          down: fetchedAgain.seconds / fetched.seconds,
          both: (again.seconds + fetchedAgain.seconds) / (sendingSeconds + fetched.seconds),
        };
        const peaks = [...sending, again, fetched, fetchedAgain].map(({ peakBytes }) => Math.round(peakBytes / MIB));
        const times = [...sending, again, fetched, fetchedAgain].map(({ seconds }) => Number(seconds.toFixed(1)));
        console.log(
          `second run / first: ${JSON.stringify(shares)}; seconds ${times.join(" ")}; peak MiB ${peaks.join(" ")}`,
        );
        for (const peak of peaks) expect(peak * MIB).toBeLessThan(MAX_MEMORY_BYTES);
        expect(shares.up).toBeLessThan(MAX_SECOND_RUN_SHARE);
        expect(shares.both).toBeLessThan(MAX_SECOND_RUN_SHARE);
      });
    },
    TIMEOUT_MS,
  );
});

/** Copies real files into a folder of the cluster's; answers their paths in it. */
async function copyTree(cluster: Cluster): Promise<string[]> {
  const up = join(cluster.folder, "up");
  const copies = selectFiles(REAL_TREE, REAL_FILES).flatMap(({ path }) =>
    Array.from({ length: COPIES }, (_, copy) => ({ path, copy, target: `copy-${copy}/${path}` })),
  );
  for (const folder of new Set(copies.map(({ target }) => dirname(join(up, target)))))
    mkdirSync(folder, { recursive: true });
  await concurrently(copies, WIDTH, async ({ path, copy, target }) => {
    const bytes = await readFile(join(REAL_TREE, path));
    const beginning = Buffer.concat([bytes.subarray(0, BEGINNING_BYTES), Buffer.from(`\n${copy} ${path}`)]);
    await writeFile(join(up, target), copy === 0 ? bytes : beginning);
  });
  return copies.map(({ target }) => target);
}

/** Runs that are killed, each after another share of the files; in three of them a node dies too and comes back. */
async function sendBroken(cluster: Cluster, args: readonly string[], cacheFolder: string): Promise<SyncResult[]> {
  const client = new Client(NAMESPACE, { servers: cluster.urls });
  const stored = async (files: number) => (await client.getNamespace()).files >= files;
  const victims = ["b", "c", "a"];
  const results: SyncResult[] = [];
  try {
    for (let run = 1; run <= KILLS; run += 1) {
      const goal = (FILES * run) / (KILLS + 1);
      const meanwhile = async (kill: () => void) => {
        await waitForWork("half of the run's files are stored", () => stored(goal - FILES / (KILLS + 1) / 2));
        const victim = victims.pop();
        if (victim !== undefined) await cluster.node(victim).kill("SIGKILL");
        await waitForWork("the run's files are stored", () => stored(goal));
        kill();
        if (victim !== undefined) await cluster.node(victim).restart();
      };
      const result = await runSync(args, { cacheFolder, meanwhile });
      expect(result).toMatchObject({ signal: "SIGKILL", complaints: "" });
      results.push(result);
    }
  } finally {
    await client.close();
  }
  return results;
}

function expectOnlyLooked(result: SyncResult): void {
  expect(result).toMatchObject({ code: 0, counts: { transferred: 0, skipped: FILES, deleted: 0, failed: 0 } });
  // Nor was any file read again to find out what it is.
  expect(result.counts?.hashed).toBe(0);
}

function expectSameBytes(cluster: Cluster, tree: readonly string[]): void {
  const [up, down] = [join(cluster.folder, "up"), join(cluster.folder, "down")];
  expect(listFiles(down).sort()).toEqual(tree.toSorted());
  for (const path of tree) expect(readFileSync(join(down, path)).equals(readFileSync(join(up, path))), path).toBe(true);
}
