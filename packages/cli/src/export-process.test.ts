import { cp, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { statSync } from "node:fs";
import { join } from "node:path";
import { Client } from "@koboldfs/client";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runInside } from "./testing/run-inside.js";
import { TestNode } from "./testing/test-node.js";

let node: TestNode;
let volume: string;
let client: Client;
let tree: string;
let count = 0;

beforeAll(async () => {
  node = await TestNode.start();
  volume = join(node.folder, "volume");
});
afterAll(() => node.stop());
beforeEach(async () => {
  count += 1;
  client = new Client(`n${count}`, { servers: [node.url] });
  await client.createNamespace();
  tree = join(node.folder, `tree-${count}`);
  return () => client.close();
});

async function put(...keys: string[]): Promise<void> {
  for (const key of keys) await client.put(key, Buffer.from(`content of ${key}`));
}

async function run(...options: string[]) {
  const args = ["export", client.namespace, tree, "--json", ...options];
  const where = options.some((option) => /^--(data|config)$/.test(option)) ? [] : ["--data", volume];
  const { code, stdout, stderr } = await runInside([...args, ...where], { env: { KOBOLDFS_SERVER: node.url } });
  return { code, report: stdout === "" ? undefined : (JSON.parse(stdout) as Record<string, unknown>), err: stderr };
}

interface Line {
  readonly key: string;
  readonly path: string;
  readonly digest: string;
}

async function manifest(): Promise<Line[]> {
  const lines = (await readFile(join(tree, ".koboldfs-export/manifest.jsonl"), "utf8")).trimEnd().split("\n");
  return lines.slice(1).map((line) => JSON.parse(line) as Line);
}

/** The files of the tree but for the export's own. */
async function files(): Promise<string[]> {
  const all = await readdir(tree, { recursive: true, withFileTypes: true });
  const paths = all
    .filter((one) => !one.isDirectory())
    .map((one) => join(one.parentPath, one.name).slice(tree.length + 1));
  return paths.filter((path) => !path.startsWith(".koboldfs-export")).toSorted();
}

const text = (path: string) => readFile(join(tree, path), "utf8");

describe("koboldfs export", () => {
  it("links the files of the store into a tree, with a manifest of all that is known of them", async () => {
    await put("a.txt", "photos/cat.jpg", "photos/ümläut/dog.jpg");
    const { code, report, err } = await run();
    expect([code, report]).toEqual([0, expect.objectContaining({ files: 3, linked: 3, placed: 3, missing: 0 })]);
    expect(err).toContain("links_share_bytes");
    expect(await files()).toEqual(["a.txt", "photos/cat.jpg", "photos/ümläut/dog.jpg"]);
    for (const { path, digest } of await manifest()) {
      const blob = join(volume, "blobs", client.namespace, digest.slice(0, 2), digest.slice(2, 4), digest);
      expect((await stat(join(tree, path))).ino).toBe((await stat(blob)).ino);
    }
    expect((await manifest())[0]).toMatchObject({ key: "a.txt", size: 16, contentType: expect.any(String) });
  });

  it("keeps the bytes of keys that can be no paths aside, under names that the manifest tells", async () => {
    const odd = ["/absolute", "a/b", "a/../../../b", "double//slash", "folder/", `${"x".repeat(300)}/y`];
    await put("a", ".koboldfs-export/manifest.jsonl", ...odd);
    expect((await run()).report).toMatchObject({ files: 8, linked: 8 });
    expect(await files()).toEqual(["a"]);
    for (const { key, path } of await manifest()) expect(await text(path)).toBe(`content of ${key}`);
    expect((await readdir(join(tree, ".koboldfs-export/keys"))).length).toBe(7);
    await client.delete("a");
    expect((await run()).report).toMatchObject({ placed: 1, removed: 1 });
    expect(await files()).toEqual(["a/b"]);
  });

  it("does again only what changed: links what is new, removes what is gone and whatever else is there", async () => {
    await put("keep", "change", "gone/deep", "file", "dir/inner");
    await run();
    const before = await lstat(join(tree, "keep"));
    await client.put("change", Buffer.from("changed"));
    await client.deleteMany(["gone/deep", "file", "dir/inner"]);
    await put("file/now/a/folder", "dir");
    await writeFile(join(tree, "stranger"), "not of the export");
    await mkdir(join(tree, "empty/folder"), { recursive: true });
    expect((await run()).report).toMatchObject({ files: 4, placed: 3, removed: 2 });
    expect(await files()).toEqual(["change", "dir", "file/now/a/folder", "keep"]);
    expect([await text("change"), await text("dir")]).toEqual(["changed", "content of dir"]);
    expect((await lstat(join(tree, "keep"))).ctimeMs).toBe(before.ctimeMs);
    expect((await readdir(tree)).toSorted()).toEqual([".koboldfs-export", "change", "dir", "file", "keep"]);
    expect((await run()).report).toMatchObject({ placed: 0, removed: 0 });
  });

  it("is as of one number, and reads a moment of the past", async () => {
    await put("a", "b");
    const { head } = await client.status();
    await client.put("a", Buffer.from("later"));
    await client.delete("b");
    expect((await run("--as-of", String(head))).report).toMatchObject({ asOf: String(head), files: 2 });
    expect([await text("a"), await text("b")]).toEqual(["content of a", "content of b"]);
    await run();
    expect([await files(), await text("a")]).toEqual([["a"], "later"]);
    expect(await run("--as-of", "1")).toMatchObject({ code: 1, err: expect.stringContaining("history_gone") });
    expect(await text("a")).toBe("later");
  });

  it("follows no link that somebody put into the tree", async () => {
    const outside = await mkdtemp(join(node.folder, "outside-"));
    await writeFile(join(outside, "cat.jpg"), "mine");
    await put("photos/cat.jpg");
    await run();
    await rm(join(tree, "photos"), { recursive: true });
    await symlink(outside, join(tree, "photos"));
    expect((await run()).report).toMatchObject({ placed: 1 });
    expect(await text("photos/cat.jpg")).toBe("content of photos/cat.jpg");
    expect(await readFile(join(outside, "cat.jpg"), "utf8")).toBe("mine");
  });

  it("tells what is not on this node, or fetches it, and looks at every byte when it is asked to", async () => {
    await put("a", "b");
    const empty = join(node.folder, `empty-${count}`);
    await mkdir(empty);
    await cp(join(volume, "koboldfs.json"), join(empty, "koboldfs.json"));
    const without = await run("--data", empty);
    expect([without.code, without.report]).toEqual([1, expect.objectContaining({ missing: 2, bytes: 0 })]);
    expect(without.err).toContain('"key":"a"');
    expect(await files()).toEqual([]);
    expect((await run("--data", empty, "--fetch")).report).toMatchObject({ fetched: 2, placed: 2 });
    expect((await run("--data", empty, "--fetch")).report).toMatchObject({ fetched: 2, placed: 0 });
    expect(await text("b")).toBe("content of b");
    const [{ digest } = { digest: "" }] = await manifest();
    await writeFile(
      join(volume, "blobs", client.namespace, digest.slice(0, 2), digest.slice(2, 4), digest),
      "rotten of a",
    );
    expect((await run("--verify")).report).toMatchObject({ linked: 1, fetched: 1, missing: 0 });
    await rm(tree, { recursive: true });
    expect(await run("--verify")).toMatchObject({ code: 1, report: { linked: 1, missing: 1 } });
  });

  it("refuses a folder or a volume that is not what it should be, and touches nothing there", async () => {
    await put("a");
    await mkdir(tree);
    await writeFile(join(tree, "precious"), "mine");
    expect(await run()).toMatchObject({ code: 2, err: expect.stringContaining("it is not empty") });
    expect(await readdir(tree)).toEqual(["precious"]);
    await rm(tree, { recursive: true });
    await run();
    const other = await runInside(["export", "n1", tree, "--data", volume], { env: { KOBOLDFS_SERVER: node.url } });
    expect([other.code, other.stderr]).toEqual([2, expect.stringContaining("the export of something else")]);
    expect(await run("--data", node.folder)).toMatchObject({ code: 1, err: expect.stringContaining("volume_refused") });
    const foreign = join(node.folder, `foreign-${count}`);
    await mkdir(foreign);
    await writeFile(join(foreign, "koboldfs.json"), JSON.stringify({ cluster: "0".repeat(32) }));
    expect(await run("--data", foreign)).toMatchObject({ code: 1, err: expect.stringContaining("belongs to cluster") });
    expect(await files()).toEqual(["a"]);
  });

  it("finds the volumes in the node's configuration file", async () => {
    await put("a");
    const config = join(node.folder, "node.ini");
    await writeFile(config, `name = n1\ndata = ${volume}\n`);
    expect((await run("--config", config)).report).toMatchObject({ linked: 1 });
  });

  const shm = "/dev/shm";
  const isElsewhere =
    statSync(shm, { throwIfNoEntry: false })?.dev !== undefined && statSync(shm).dev !== statSync("/tmp").dev;
  it.skipIf(!isElsewhere)(
    "copies to another file system only when it is told to (no second one here if skipped)",
    async () => {
      await put("a");
      tree = await mkdtemp(join(shm, "koboldfs-export-"));
      try {
        expect(await run()).toMatchObject({ code: 2, err: expect.stringContaining("--copy") });
        expect((await run("--copy")).report).toMatchObject({ copied: 1, placed: 1 });
        expect(await text("a")).toBe("content of a");
        expect((await run("--copy")).report).toMatchObject({ copied: 1, placed: 0 });
        await client.put("a", Buffer.from("content of b"));
        expect((await run("--copy")).report).toMatchObject({ placed: 1 });
        expect(await text("a")).toBe("content of b");
      } finally {
        await rm(tree, { recursive: true });
      }
    },
  );

  it("says for people what it did", async () => {
    await put("a", "b/c");
    const env = { KOBOLDFS_SERVER: node.url };
    const { stdout, stderr } = await runInside(["export", client.namespace, tree, "--data", volume], { env });
    expect(stdout.replace(/as of \d+/, "as of N")).toBe("2 files (26 B) as of N, 2 linked; 2 new, 0 removed\n");
    expect(stderr).toBe(
      "koboldfs: warning: the files of the tree are those of the store (links_share_bytes). Read and copy them, but never write into them.\n",
    );
    expect((await runInside(["export", client.namespace, tree], { env })).code).toBe(2);
  });
});
