import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { ScrubPassInfo } from "@koboldfs/protocol";
import { describe, expect, it } from "vitest";
import { blobPath, checkWithSha256sum, filesBelow } from "./harness/blobs-on-disk.js";
import { type Cluster, NAMESPACE } from "./harness/cluster.js";
import type { NodeProcess } from "./harness/node-process.js";
import { mustGet, mustPut, sha256 } from "./harness/raw-files.js";
import { COMMAND, runProgram } from "./harness/run-program.js";
import { withCluster } from "./harness/use-cluster.js";

const FILES = 24;
const LARGE_BYTES = 3_000_000;

interface CheckReply {
  readonly nodes: readonly { readonly node: string; readonly pass: ScrubPassInfo }[];
  readonly owed: number;
  readonly remaining: number;
}

describe("rotten bytes on a running node", () => {
  it("are all found and told by a check, and repaired by a scrub, however the disk lost them", async () => {
    await withCluster({ nodes: 2, engine: "sqlite" }, async (cluster) => {
      const [a, b] = [cluster.node("a"), cluster.node("b")];
      const digests = await putMany(a);
      await cluster.waitUntilSettled();
      const [flipped, cut, grown, gone, lostOne, swappedOne, swappedTwo] = digests as [string, ...string[]];
      const pathOf = (digest: string | undefined) => blobPath(b.data[0] as string, NAMESPACE, digest ?? "");
      flip(pathOf(flipped));
      truncateSync(pathOf(cut), 10);
      appendFileSync(pathOf(grown), "x");
      rmSync(pathOf(gone));
      rmSync(dirname(dirname(pathOf(lostOne))), { recursive: true });
      swap(dirname(pathOf(swappedOne)), dirname(pathOf(swappedTwo)));
      const orphan = plantOrphan(b);

      const told = await check(cluster, 1);
      const seen = told.nodes.find(({ node }) => node === "b")?.pass;
      expect(seen).toMatchObject({ state: "done", repairs: false, mended: 0 });
      expect(seen?.findings).toMatchObject({ corrupt: 3, orphaned: 1, misplaced: 2 });
      expect(seen?.findings.missing).toBeGreaterThanOrEqual(2);
      expect(told.nodes.find(({ node }) => node === "a")?.pass.findings).toMatchObject({ corrupt: 0, missing: 0 });
      expect(existsSync(pathOf(gone))).toBe(false);

      const scrubbed = JSON.parse(await run(cluster, 0, "scrub", "--now", "--node", "b", "--json")) as CheckReply;
      expect(scrubbed.nodes.map(({ node }) => node)).toEqual(["b"]);
      expect(scrubbed.nodes[0]?.pass.findings).toMatchObject({ corrupt: 3, misplaced: 2 });
      await cluster.waitUntilSettled();
      await checkWithSha256sum(b, NAMESPACE, digests);
      expect(existsSync(orphan)).toBe(true);
      rmSync(orphan);

      expect(await check(cluster, 0)).toMatchObject({ owed: 0, remaining: 0 });
      const again = JSON.parse(await run(cluster, 0, "scrub", "--now", "--json")) as CheckReply;
      for (const { pass } of again.nodes) expect(pass).toMatchObject({ files: FILES, listed: [] });
      expect(filesBelow(join(b.data[0] as string, "quarantine"))).toEqual([]);
      expect(await run(cluster, 0, "status")).toContain("b: every copy proven within 1 day");
    });
  });

  it("are kept when they are the last there is of a file, and a later put of the same bytes heals it", async () => {
    await withCluster({ nodes: 2, engine: "sqlite" }, async (cluster) => {
      const [a, b] = [cluster.node("a"), cluster.node("b")];
      const content = "the only good bytes of this file are those that somebody puts again; ".repeat(5_000);
      const { digest } = await mustPut(a.url, "last", content);
      await cluster.waitUntilSettled();
      for (const node of [a, b]) flip(blobPath(node.data[0] as string, NAMESPACE, digest));
      expect(await check(cluster, 1, "--repair")).toMatchObject({ owed: 2, remaining: 2 });
      for (const node of [a, b]) {
        const quarantine = join(node.data[0] as string, "quarantine");
        const [kept = ""] = filesBelow(quarantine);
        expect(readFileSync(join(quarantine, kept))).toHaveLength(content.length);
      }
      await a.restart();
      await cluster.waitUntilAllSeeAll();
      expect(await mustPut(a.url, "again", content)).toMatchObject({ digest, copies: 2 });
      expect(await check(cluster, 0, "--repair")).toMatchObject({ owed: 0, remaining: 0 });
      expect(sha256(await mustGet(b.url, "last"))).toBe(digest);
      for (const node of [a, b]) expect(filesBelow(join(node.data[0] as string, "quarantine"))).toEqual([]);
    });
  });
});

async function putMany(node: NodeProcess): Promise<string[]> {
  const digests: string[] = [];
  for (let file = 0; file < FILES; file += 1) {
    const content =
      file < 3 ? Buffer.alloc(LARGE_BYTES, `large ${file}`) : `content of ${file}; `.repeat(1 + file * 20);
    digests.push((await mustPut(node.url, `file ${file}`, content)).digest);
  }
  return digests;
}

function flip(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

function swap(one: string, two: string): void {
  const aside = `${one}.aside`;
  renameSync(one, aside);
  renameSync(two, one);
  renameSync(aside, two);
}

/** Good bytes that nothing refers to, put there long ago. */
function plantOrphan(node: NodeProcess): string {
  const bytes = Buffer.from("nobody knows of this");
  const path = blobPath(node.data[0] as string, NAMESPACE, sha256(bytes));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  utimesSync(path, 1, 1);
  expect(readdirSync(dirname(path))).toHaveLength(1);
  return path;
}

async function check(cluster: Cluster, code: number, ...args: string[]): Promise<CheckReply> {
  return JSON.parse(await run(cluster, code, "catalog", "check", ...args, "--json")) as CheckReply;
}

async function run(cluster: Cluster, code: number, ...args: string[]): Promise<string> {
  const env = {
    KOBOLDFS_SERVER: cluster.running.map(({ url }) => url).join(","),
    ...(cluster.secret !== undefined && { KOBOLDFS_TOKEN: cluster.secret }),
  };
  const outcome = await runProgram(COMMAND, args, { env });
  expect({ code: outcome.code, stderr: outcome.stderr }).toEqual({ code, stderr: "" });
  return outcome.stdout;
}
