import { once } from "node:events";
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@koboldfs/client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { runCommand, startCommand } from "../testing/run-command.js";
import { TestNode } from "../testing/test-node.js";
import { SyncNotices } from "./sync-notices.js";
import { SyncTally } from "./sync-tally.js";
import { syncUp } from "./sync-up.js";

// Each command is a process of its own, and a busy machine needs a second or two for one.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 });

/** Names that have broken one tool or another. */
const ODD_NAMES = [
  "plain",
  "empty",
  "-rf",
  "with space/and\ttab",
  "line\nfeed",
  "..hidden/...",
  "a/b",
  "a-b",
  "a.b",
  "100%25?#&+;",
  "ünï/\u{1f600}\ufb01",
  "back\\slash",
  "'quotes\"`$(x)",
  "deep/er/and/deep/er/still/file",
  "x".repeat(255),
];

let node: TestNode;
let work: string;
let client: Client;
let count = 0;

beforeAll(async () => {
  node = await TestNode.start();
});

afterAll(() => node.stop());

beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), "koboldfs-sync-"));
  count += 1;
  client = new Client(`sync-${count}`, { servers: [node.url] });
  await client.createNamespace();
});

afterEach(async () => {
  await client.close();
  await rm(work, { recursive: true, force: true });
});

async function make(folder: string, names: readonly string[], content = (name: string) => name): Promise<void> {
  for (const name of names) {
    const path = join(work, folder, name);
    await mkdir(join(path, ".."), { recursive: true });
    await writeFile(path, name === "empty" ? "" : content(name));
  }
}

interface Outcome {
  readonly code: number | null;
  readonly counts: Record<"transferred" | "skipped" | "deleted" | "failed" | "ignored", number>;
  readonly notices: { readonly key: string; readonly level: string; readonly message: string }[];
}

async function sync(source: string, target: string, ...options: string[]): Promise<Outcome> {
  const args = ["sync", source, target, "--json", "--server", node.url, ...options];
  const { code, stdout, stderr } = await runCommand(args, { cwd: work });
  if (stdout === "") throw new Error(`sync failed: ${stderr}`);
  const lines = stderr.split("\n").filter((line) => line !== "");
  return { code, counts: JSON.parse(stdout), notices: lines.map((line) => JSON.parse(line)) };
}

/** Every file below a folder with its content. */
async function readTree(folder: string, below = ""): Promise<Record<string, string>> {
  const tree: Record<string, string> = {};
  for (const entry of await readdir(join(work, folder, below), { withFileTypes: true })) {
    const name = join(below, entry.name);
    if (entry.isDirectory()) Object.assign(tree, await readTree(folder, name));
    else tree[name] = await readFile(join(work, folder, name), "latin1");
  }
  return tree;
}

async function keys(): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of client.list()) found.push(key);
  return found;
}

describe("sync", () => {
  it("takes a folder up and down again byte for byte, and a second run transfers nothing", async () => {
    await make("tree", ODD_NAMES);
    await writeFile(join(work, "tree", "large"), Buffer.alloc(3 * 1024 * 1024, "large"));
    const files = ODD_NAMES.length + 1;
    const there = `${client.namespace}/some/prefix`;
    expect((await sync("./tree", there)).counts).toMatchObject({ transferred: files, skipped: 0, failed: 0 });
    expect((await sync("./tree", there)).counts).toMatchObject({ transferred: 0, skipped: files });
    expect((await sync(there, "./copy")).counts).toMatchObject({ transferred: files, failed: 0 });
    expect((await sync(there, "./copy")).counts).toMatchObject({ transferred: 0, skipped: files });
    expect(await readTree("copy")).toEqual(await readTree("tree"));
  });

  it("transfers what changed, also when the size did not, and deletes only when told", async () => {
    await make("tree", ["keep", "change", "remove", "folder/remove", "folder/keep"]);
    await sync("./tree", client.namespace);
    await sync(client.namespace, "./copy");
    await writeFile(join(work, "tree", "change"), "CHANGE");
    for (const gone of ["remove", "folder/remove"]) await rm(join(work, "tree", gone));
    expect((await sync("./tree", client.namespace)).counts).toMatchObject({ transferred: 1, skipped: 2, deleted: 0 });
    const dry = await sync("./tree", client.namespace, "--delete", "--dry-run");
    expect(dry.counts).toMatchObject({ transferred: 0, skipped: 3, deleted: 2 });
    expect(await keys()).toHaveLength(5);
    expect((await sync("./tree", client.namespace, "--delete")).counts).toMatchObject({ deleted: 2 });
    expect(await keys()).toEqual(["change", "folder/keep", "keep"]);
    await make("copy", ["only/here/file"]);
    expect((await sync(client.namespace, "./copy")).counts).toMatchObject({ transferred: 1, skipped: 2, deleted: 0 });
    expect((await sync(client.namespace, "./copy", "--delete")).counts).toMatchObject({ skipped: 3, deleted: 3 });
    expect(await readTree("copy")).toEqual(await readTree("tree"));
    await expect(lstat(join(work, "copy", "only"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("writes nothing outside the folder, and tells of every key that cannot be a file in it", async () => {
    const hostile = ["../escaped", "a/../../escaped", "/absolute", "double//slash", "trailing/", "..", "file/below"];
    for (const key of [...hostile, "file", "good"]) await client.put(key, Buffer.from(key));
    const { code, counts, notices } = await sync(client.namespace, "./out/copy");
    expect(code).toBe(1);
    expect(counts).toMatchObject({ transferred: 2, failed: hostile.length });
    expect(notices.map(({ key }) => key).sort()).toEqual([...hostile].sort());
    expect(await readTree("out")).toEqual({ "copy/file": "file", "copy/good": "good" });
    expect(await readdir(work)).toEqual(["out"]);
  });

  it("does not follow a link out of the folder when it writes or deletes", async () => {
    await make("outside", ["mine"]);
    await mkdir(join(work, "copy"));
    await symlink("../outside", join(work, "copy", "link"));
    await symlink("../outside/mine", join(work, "copy", "file"));
    await client.put("link/planted", Buffer.from("x"));
    await client.put("file", Buffer.from("new"));
    const { code, notices } = await sync(client.namespace, "./copy", "--delete");
    expect(code).toBe(1);
    expect(notices).toContainEqual(expect.objectContaining({ key: "link/planted", level: "failed" }));
    expect(await readTree("outside")).toEqual({ mine: "mine" });
    expect(await readFile(join(work, "copy", "file"), "utf8")).toBe("new");
  });

  it("tells of a folder that stands where a file should be, and goes on", async () => {
    await client.put("a", Buffer.from("file"));
    await client.put("b", Buffer.from("file"));
    await make("copy", ["a/inside"]);
    const { code, counts, notices } = await sync(client.namespace, "./copy");
    expect(code).toBe(1);
    expect(counts).toMatchObject({ transferred: 1, failed: 1 });
    expect(notices).toMatchObject([{ key: "a", level: "failed" }]);
    expect(await readTree("copy")).toEqual({ "a/inside": "a/inside", b: "file" });
  });

  it("passes over a file that vanishes before it is read, and fails for nothing else", async () => {
    await make("tree", ["a", "b", "c"]);
    const put = client.put.bind(client);
    client.put = async (...args) => {
      await rm(join(work, "tree", "b"), { force: true });
      return put(...args);
    };
    const told: string[] = [];
    const notices = new SyncNotices(({ level, key }) => told.push(`${level} ${key}`));
    const tally = new SyncTally();
    const signal = new AbortController().signal;
    const folder = join(work, "tree");
    await syncUp({ client, prefix: "", folder, jobs: 1, delete: false, dryRun: false, signal, notices, tally });
    expect(told).toEqual(["ignored b"]);
    expect(tally.transferred).toBe(2);
    expect(await keys()).toEqual(["a", "c"]);
  });

  it("goes on where it was killed, up and down, and leaves nothing half", async () => {
    const names = Array.from({ length: 600 }, (_, index) => `folder-${index % 7}/file-${index}`);
    await make("tree", names, (name) => name.repeat(300));
    await killWhen(["./tree", client.namespace], async () => (await client.getNamespace()).files >= 50);
    const up = await sync("./tree", client.namespace);
    expect(up.counts.transferred + up.counts.skipped).toBe(names.length);
    expect(up.counts.skipped).toBeGreaterThanOrEqual(50);
    await killWhen([client.namespace, "./copy"], async () => {
      return (await readdir(join(work, "copy")).catch(() => [])).length >= 3;
    });
    const down = await sync(client.namespace, "./copy");
    expect(down.counts.transferred + down.counts.skipped).toBe(names.length);
    expect(down.counts.skipped).toBeGreaterThan(0);
    expect(await readTree("copy")).toEqual(await readTree("tree"));
  });

  it("says that it was interrupted, with the code that shells expect, and leaves no part of a file", async () => {
    await client.put("large", Buffer.alloc(64 * 1024 * 1024));
    const child = startCommand(["sync", client.namespace, "./copy", "--server", node.url], { cwd: work });
    let stderr = "";
    child.stderr?.on("data", (text: Buffer) => {
      stderr += text.toString();
    });
    await until(async () => (await readdir(join(work, "copy")).catch(() => [])).length > 0);
    child.kill("SIGINT");
    const [code] = (await once(child, "close")) as [number | null];
    if (code === 0) throw new Error("the file was fetched before it could be interrupted");
    expect(code).toBe(130);
    expect(stderr).toContain("koboldfs: interrupted");
    expect(await readdir(join(work, "copy"))).toEqual([]);
  });

  it("fails once, not for each file, when the namespace is not there or no server is", async () => {
    await make("tree", ["a", "b", "c"]);
    const args = ["sync", "./tree"];
    const missing = await runCommand([...args, "no-such", "--server", node.url], { cwd: work });
    expect(missing.code).toBe(3);
    expect(missing.stderr.trim().split("\n")).toHaveLength(1);
    const nobody = await runCommand([...args, "no-such", "--server", "http://127.0.0.1:1"], { cwd: work });
    expect(nobody.code).toBe(4);
    expect(nobody.stderr.trim().split("\n")).toHaveLength(1);
  });
});

/** Starts a sync and kills it, with no chance to clean up, as soon as something holds. */
async function killWhen(args: readonly string[], holds: () => Promise<boolean>): Promise<void> {
  const child = startCommand(["sync", ...args, "--jobs", "2", "--server", node.url], { cwd: work });
  const ended = once(child, "close");
  child.stdout?.resume();
  child.stderr?.resume();
  await until(async () => child.exitCode !== null || (await holds()));
  child.kill("SIGKILL");
  const [, signal] = (await ended) as [number | null, string | null];
  if (signal !== "SIGKILL") throw new Error("the sync was over before it could be killed");
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
}
