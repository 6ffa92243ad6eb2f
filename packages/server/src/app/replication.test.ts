import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RunningNode } from "./start-node.js";
import {
  aliveNodesSeenBy,
  createNamespace,
  eventually,
  getFile,
  listNodes,
  putFile,
  TestCluster,
} from "./test-cluster.js";

describe("nodes of a cluster", { timeout: 60_000 }, () => {
  let cluster: TestCluster;

  beforeEach(async () => {
    cluster = await TestCluster.create();
  });
  afterEach(() => cluster.remove());

  function isOnDisk(name: string, digest: string, content: string): Promise<boolean> {
    return readFile(cluster.blobPath(name, digest), "utf8").then(
      (text) => text === content,
      () => false,
    );
  }

  async function debtsOf(asked: RunningNode, node: RunningNode): Promise<number | undefined> {
    return (await listNodes(asked)).find(({ id }) => id === node.id)?.debtFiles;
  }

  it("serves on every node what was put on one, and has it as a plain file on every disk soon after", async () => {
    const [a, b, c] = (await cluster.startAll("a", "b", "c")) as [RunningNode, RunningNode, RunningNode];
    const reply = await putFile(a, "motd", "hello");
    expect(reply).toMatchObject({ size: 5, copies: 2, wanted: 3 });
    for (const node of [a, b, c]) expect(await getFile(node, "motd")).toBe("hello");
    for (const name of ["a", "b", "c"]) await eventually(() => isOnDisk(name, reply.digest, "hello"));
    for (const node of [a, b, c]) await eventually(async () => (await debtsOf(a, node)) === 0);
  });

  it("brings a node up to date that was away while files were put", async () => {
    const [a, b] = (await cluster.startAll("a", "b")) as [RunningNode, RunningNode];
    await cluster.stop("b");
    const files = Array.from({ length: 40 }, (_, file) => file);
    const replies = await Promise.all(files.map((file) => putFile(a, `file-${file}`, `content ${file}`)));
    expect(replies.at(-1)).toMatchObject({ copies: 1, wanted: 2 });
    await eventually(async () => (await debtsOf(a, b)) === 40);
    const returned = await cluster.start("b");
    expect(returned.id).toBe(b.id);
    await eventually(async () => (await debtsOf(a, b)) === 0);
    for (const [file, { digest }] of replies.entries())
      expect(await isOnDisk("b", digest, `content ${file}`)).toBe(true);
  });

  it("never counts its own copy as another node's, though that node's URL leads here", async () => {
    const a = await cluster.start("a");
    await createNamespace(a);
    const b = await cluster.start("b", { url: a.url });
    await eventually(async () => (await aliveNodesSeenBy(a)) === 2);
    expect(await putFile(a, "motd", "hello")).toMatchObject({ copies: 1, wanted: 2 });
    await eventually(async () => (await debtsOf(a, b)) === 0);
  });

  it("moves along when a node comes back at another address", async () => {
    const [a, b] = (await cluster.startAll("a", "b")) as [RunningNode, RunningNode];
    await cluster.stop("b");
    const returned = await cluster.start("b");
    expect(returned.url).not.toBe(b.url);
    await eventually(async () =>
      (await listNodes(a)).some(({ url, state }) => url === returned.url && state === "alive"),
    );
    await eventually(async () => (await putFile(a, "motd", `${Math.random()}`)).copies === 2);
  });

  it("backfills a node that joins while files are put, and overlooks none", async () => {
    const [a] = (await cluster.startAll("a")) as [RunningNode];
    const written = new Map<string, string>();
    const put = async (file: number) => {
      const content = `content ${file}`;
      written.set((await putFile(a, `file-${file}`, content)).digest, content);
    };
    // More than the backfill takes in one step.
    await Promise.all(Array.from({ length: 230 }, (_, file) => put(file)));
    let joined = false;
    const putting = (async () => {
      for (let file = 230; !joined || file < 250; file += 1) await put(file);
    })();
    const b = await cluster.start("b");
    await eventually(async () => (await listNodes(a)).find(({ id }) => id === b.id)?.backfill === 1);
    joined = true;
    await putting;
    await eventually(async () => (await debtsOf(a, b)) === 0);
    const missing = [];
    for (const [digest, content] of written) if (!(await isOnDisk("b", digest, content))) missing.push(digest);
    expect(missing).toEqual([]);
  });

  it("sees a node that stopped as down, and goes on without it", async () => {
    const [a] = (await cluster.startAll("a", "b", "c")) as [RunningNode];
    await cluster.stop("c");
    await eventually(async () => (await aliveNodesSeenBy(a)) === 2);
    expect(await putFile(a, "motd", "hello")).toMatchObject({ copies: 2, wanted: 3 });
  });

  it("serves from one node what another took in, when that one is gone", async () => {
    const [a] = (await cluster.startAll("a", "b")) as [RunningNode];
    await cluster.stop("b");
    const { digest } = await putFile(a, "motd", "hello");
    const b = await cluster.start("b");
    await eventually(() => isOnDisk("b", digest, "hello"));
    await cluster.stop("a");
    expect(await getFile(b, "motd")).toBe("hello");
  });
});
