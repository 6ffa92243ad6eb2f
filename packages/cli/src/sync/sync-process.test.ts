import { once } from "node:events";
import { lstat, mkdir, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { runCommand, startCommand } from "../testing/run-command.js";
import { useSyncPlace } from "../testing/use-sync-place.js";

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

const place = useSyncPlace();

describe("sync", () => {
  it("takes a folder up and down again byte for byte, and a second run transfers nothing", async () => {
    await place().make("tree", ODD_NAMES);
    await writeFile(join(place().work, "tree", "large"), Buffer.alloc(3 * 1024 * 1024, "large"));
    const files = ODD_NAMES.length + 1;
    const there = `${place().namespace}/some/prefix`;
    expect((await place().sync("./tree", there)).counts).toMatchObject({ transferred: files, skipped: 0, failed: 0 });
    expect((await place().sync("./tree", there)).counts).toMatchObject({ transferred: 0, skipped: files });
    expect((await place().sync(there, "./copy")).counts).toMatchObject({ transferred: files, failed: 0 });
    expect((await place().sync(there, "./copy")).counts).toMatchObject({ transferred: 0, skipped: files });
    expect(await place().readTree("copy")).toEqual(await place().readTree("tree"));
  });

  it("transfers what changed, also when the size did not, and deletes only when told", async () => {
    await place().make("tree", ["keep", "change", "remove", "folder/remove", "folder/keep"]);
    await place().sync("./tree", place().namespace);
    await place().sync(place().namespace, "./copy");
    await writeFile(join(place().work, "tree", "change"), "CHANGE");
    for (const gone of ["remove", "folder/remove"]) await rm(join(place().work, "tree", gone));
    expect((await place().sync("./tree", place().namespace)).counts).toMatchObject({
      transferred: 1,
      skipped: 2,
      deleted: 0,
    });
    const dry = await place().sync("./tree", place().namespace, "--delete", "--dry-run");
    expect(dry.counts).toMatchObject({ transferred: 0, skipped: 3, deleted: 2 });
    expect(await place().keys()).toHaveLength(5);
    expect((await place().sync("./tree", place().namespace, "--delete")).counts).toMatchObject({ deleted: 2 });
    expect(await place().keys()).toEqual(["change", "folder/keep", "keep"]);
    await place().make("copy", ["only/here/file"]);
    expect((await place().sync(place().namespace, "./copy")).counts).toMatchObject({
      transferred: 1,
      skipped: 2,
      deleted: 0,
    });
    expect((await place().sync(place().namespace, "./copy", "--delete")).counts).toMatchObject({
      skipped: 3,
      deleted: 3,
    });
    expect(await place().readTree("copy")).toEqual(await place().readTree("tree"));
    await expect(lstat(join(place().work, "copy", "only"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("goes on where it was killed, up and down, and leaves nothing half", async () => {
    const names = Array.from({ length: 300 }, (_, index) => `folder-${index % 7}/file-${index}`);
    await place().make("tree", names, (name) => name.repeat(300));
    await killWhen(["./tree", place().namespace], async () => (await place().client.getNamespace()).files >= 50);
    const up = await place().sync("./tree", place().namespace);
    expect(up.counts.transferred + up.counts.skipped).toBe(names.length);
    expect(up.counts.skipped).toBeGreaterThanOrEqual(50);
    await killWhen([place().namespace, "./copy"], async () => {
      const there = await readdir(join(place().work, "copy"), { recursive: true }).catch(() => []);
      return there.some((path) => path.includes("/file-"));
    });
    const down = await place().sync(place().namespace, "./copy");
    expect(down.counts.transferred + down.counts.skipped).toBe(names.length);
    expect(down.counts.skipped).toBeGreaterThan(0);
    expect(await place().readTree("copy")).toEqual(await place().readTree("tree"));
  });

  it("says that it was interrupted, with the code that shells expect, and leaves no part of a file", async () => {
    await place().client.put("large", Buffer.alloc(64 * 1024 * 1024));
    const child = startCommand(["sync", place().namespace, "./copy", "--server", place().node.url], {
      cwd: place().work,
    });
    let stderr = "";
    child.stderr?.on("data", (text: Buffer) => {
      stderr += text.toString();
    });
    await until(async () => (await readdir(join(place().work, "copy")).catch(() => [])).length > 0);
    child.kill("SIGINT");
    const [code] = (await once(child, "close")) as [number | null];
    if (code === 0) throw new Error("the file was fetched before it could be interrupted");
    expect(code).toBe(130);
    expect(stderr).toContain("koboldfs: interrupted");
    expect(await readdir(join(place().work, "copy"))).toEqual([]);
  });

  it("reads no file again that nobody wrote to, unless told to, and notices a write that hides its time", async () => {
    const names = ["a", "b/c", "b/d", "e"];
    await place().make("tree", names);
    for (const name of names) await utimes(join(place().work, "tree", name), 1_000, 1_000);
    expect((await place().sync("./tree", place().namespace)).counts).toMatchObject({ transferred: 4, hashed: 0 });
    expect((await place().sync("./tree", place().namespace)).counts).toMatchObject({ skipped: 4, hashed: 0 });
    const forced = await place().sync("./tree", place().namespace, "--checksum");
    expect(forced.counts).toMatchObject({ skipped: 4, hashed: 4 });
    await writeFile(join(place().work, "tree", "e"), "E");
    await utimes(join(place().work, "tree", "e"), 1_000, 1_000);
    expect((await place().sync("./tree", place().namespace)).counts).toMatchObject({
      transferred: 1,
      skipped: 3,
      hashed: 1,
    });
    expect((await place().sync(place().namespace, "./copy")).counts).toMatchObject({ transferred: 4, hashed: 0 });
    expect((await place().sync(place().namespace, "./copy")).counts).toMatchObject({ skipped: 4, hashed: 0 });
    expect(await place().readTree("copy")).toEqual(await place().readTree("tree"));
  });

  it("runs without a memory of digests where none can be kept, and says so", async () => {
    await place().make("tree", ["a"]);
    place().cache = join(place().work, "tree", "a");
    const { code, counts, notices } = await place().sync("./tree", place().namespace);
    expect([code, counts.transferred]).toEqual([0, 1]);
    expect(notices).toMatchObject([{ level: "warning", message: expect.stringContaining("cannot be remembered") }]);
  });

  it("touches what the filter leaves out on neither side, not even to delete it", async () => {
    await place().make("tree", ["a.jpg", "a.txt", "build/x.jpg", "build/keep"]);
    for (const key of ["a.tmp", "old.jpg", "build/old.jpg"]) await place().client.put(key, Buffer.from(key));
    const up = await place().sync("./tree", place().namespace, "--delete", "--exclude", "build/", "--exclude", "*.tmp");
    expect(up.counts).toMatchObject({ transferred: 2, deleted: 1 });
    expect(await place().keys()).toEqual(["a.jpg", "a.tmp", "a.txt", "build/old.jpg"]);
    await place().make("copy", ["mine.txt", "mine.jpg", "build/mine.jpg"]);
    const order = ["--include", "/build/old.jpg", "--exclude", "build", "--exclude", "*.t?{p,t}"];
    expect((await place().sync(place().namespace, "./copy", "--delete", ...order)).counts).toMatchObject({
      transferred: 2,
      deleted: 1,
    });
    expect(Object.keys(await place().readTree("copy")).sort()).toEqual([
      "a.jpg",
      "build/mine.jpg",
      "build/old.jpg",
      "mine.txt",
    ]);
    const only = await place().sync("./tree", `${place().namespace}/only`, "--include", "*.jpg");
    expect(only.counts).toMatchObject({ transferred: 2 });
  });

  it("deletes nothing when there is nothing at all at the source", async () => {
    await place().make("copy", ["precious"]);
    await place().client.put("precious", Buffer.from("x"));
    await mkdir(join(place().work, "unmounted"));
    for (const sides of [
      ["./unmounted", place().namespace],
      [`${place().namespace}/typo`, "./copy"],
    ]) {
      const { code, stderr } = await runCommand(["sync", ...sides, "--delete", "--server", place().node.url], {
        cwd: place().work,
      });
      expect(code).toBe(1);
      expect(stderr).toMatch(/there is nothing at all in .* \(source_empty\)/);
    }
    expect(await place().readTree("copy")).toEqual({ precious: "precious" });
    expect(await place().keys()).toEqual(["precious"]);
  });

  it("fails once, not for each file, when the namespace is not there or no server is", async () => {
    await place().make("tree", ["a", "b", "c"]);
    const args = ["sync", "./tree"];
    const missing = await runCommand([...args, "no-such", "--server", place().node.url], { cwd: place().work });
    expect(missing.code).toBe(3);
    expect(missing.stderr.trim().split("\n")).toHaveLength(1);
    const nobody = await runCommand([...args, "no-such", "--server", "http://127.0.0.1:1"], { cwd: place().work });
    expect(nobody.code).toBe(4);
    expect(nobody.stderr.trim().split("\n")).toHaveLength(1);
  });
});

/** Starts a sync and kills it, with no chance to clean up, as soon as something holds. */
async function killWhen(args: readonly string[], holds: () => Promise<boolean>): Promise<void> {
  const child = startCommand(["sync", ...args, "--jobs", "2", "--server", place().node.url], { cwd: place().work });
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
