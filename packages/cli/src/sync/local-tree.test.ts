import { spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compareKeys } from "@koboldfs/client";
import { type LocalEntry, LocalTree, type LocalTreeOptions } from "./local-tree.js";
import { removeLitter } from "./part-litter.js";
import { PathFilter } from "./path-filter.js";
import { type Notice, SyncNotices } from "./sync-notices.js";

let folder: string;
let told: Notice[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "koboldfs-tree-"));
  told = [];
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function make(...paths: string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(join(folder, path, ".."), { recursive: true });
    await writeFile(join(folder, path), path);
  }
}

function open(options: Partial<LocalTreeOptions> = {}): LocalTree {
  const notices = new SyncNotices((notice) => told.push(notice));
  return new LocalTree(folder, { filter: new PathFilter([]), followLinks: false, notices, ...options });
}

async function walk(options: Partial<LocalTreeOptions> = {}): Promise<{ keys: string[]; tree: LocalTree }> {
  const tree = open(options);
  const entries: LocalEntry[] = [];
  for await (const entry of tree.entries()) entries.push(entry);
  return { keys: entries.map(({ key, kind }) => (kind === "file" ? key : `${kind} ${key}`)), tree };
}

describe("the walk of a folder", () => {
  it("goes in the byte order of the keys, not of the folders", async () => {
    await make("a/b", "a-b", "a.b/c", "a0", "ü", "\u{1f600}", "\ufb01", "Z", "a/a/a");
    const { keys } = await walk();
    expect(keys).toEqual([...keys].sort(compareKeys));
    expect(keys).toEqual(["Z", "a-b", "a.b/c", "a/a/a", "a/b", "a0", "ü", "\ufb01", "\u{1f600}"]);
  });

  it("passes over links, and knows that there may be files behind them", async () => {
    await make("target/file");
    await symlink("target/file", join(folder, "to-file"));
    await symlink("target", join(folder, "to-folder"));
    const { keys, tree } = await walk();
    expect(keys).toEqual(["target/file", "link to-file", "link to-folder"]);
    expect(["to-folder/file", "to-folder/a/b", "to-folders/x", "target/other"].map((key) => tree.hides(key))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it("takes links for what they name when told so, but goes round in no circle", async () => {
    await make("target/file", "deep/er/file");
    await symlink("target/file", join(folder, "to-file"));
    await symlink("target", join(folder, "to-folder"));
    await symlink("nowhere", join(folder, "to-nothing"));
    await symlink("..", join(folder, "deep", "er", "up"));
    await symlink(".", join(folder, "self"));
    expect((await walk({ followLinks: true })).keys).toEqual([
      "deep/er/file",
      "link deep/er/up",
      "link self",
      "target/file",
      "to-file",
      "to-folder/file",
      "link to-nothing",
    ]);
  });

  it("tells of names that are not UTF-8, since they can be no key", async () => {
    await writeFile(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x61, 0xff])]), "x");
    expect((await walk()).keys).toEqual([]);
    expect(told).toMatchObject([{ level: "failed", message: expect.stringContaining("its name is not UTF-8") }]);
  });

  it("gives what is no file for what it is, and never opens it", async () => {
    expect(spawnSync("mkfifo", [join(folder, "pipe")]).status).toBe(0);
    await make("file");
    expect((await walk()).keys).toEqual(["file", "special pipe"]);
  });

  it("keeps unfinished downloads out, and removes those of processes that are gone when they are litter", async () => {
    const gone = ".koboldfs-part-4194305-abcdef";
    const running = `.koboldfs-part-${process.pid}-abcdef`;
    await make(gone, running, "file");
    expect((await walk()).keys).toEqual(["file"]);
    expect((await walk({ onPart: removeLitter })).keys).toEqual(["file"]);
    await rm(join(folder, running));
    await expect(rm(join(folder, gone))).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("leaves out what the filter does, and does not even read a folder that it leaves out whole", async () => {
    await make("a/file", "b/file", "b/other");
    await rm(join(folder, "a"), { recursive: true });
    await symlink(folder, join(folder, "a"));
    const rules = [{ kind: "exclude", pattern: "b/o*" } as const, { kind: "exclude", pattern: "a" } as const];
    expect((await walk({ filter: new PathFilter(rules), followLinks: true })).keys).toEqual(["b/file"]);
  });

  it("does not say that it knows what is in a folder that vanished before it was read", async () => {
    await make("a/file", "b/file");
    const tree = open();
    const keys: string[] = [];
    for await (const { key } of tree.entries()) {
      keys.push(key);
      await rm(join(folder, "b"), { recursive: true });
    }
    expect(keys).toEqual(["a/file"]);
    expect([tree.hides("b/file"), tree.hides("c/file")]).toEqual([true, false]);
    expect(told).toMatchObject([{ level: "ignored", key: "b/", message: "the folder vanished" }]);
  });

  it.skipIf(process.getuid?.() === 0)("tells of a folder that may not be read (root may read all)", async () => {
    await make("a/file", "b/file");
    await chmod(join(folder, "a"), 0);
    const { keys, tree } = await walk();
    await chmod(join(folder, "a"), 0o700);
    expect(keys).toEqual(["b/file"]);
    expect(tree.hides("a/file")).toBe(true);
    expect(told).toMatchObject([{ level: "failed", key: "a/" }]);
  });

  it("fails for a root that is not there, and knows nothing of any key", async () => {
    await rm(folder, { recursive: true });
    const { tree } = await walk();
    expect(tree.hides("any")).toBe(true);
    expect(told).toMatchObject([{ level: "failed" }]);
  });

  it("tells of folders with nothing in them, and whether there was anything at all", async () => {
    const empty: string[] = [];
    const onEmptyFolder = (key: string) => empty.push(key);
    expect((await walk({ onEmptyFolder })).tree.isEmpty).toBe(true);
    await mkdir(join(folder, "a", "b"), { recursive: true });
    expect((await walk({ onEmptyFolder })).tree.isEmpty).toBe(false);
    expect(empty).toEqual(["", "a/b/"]);
  });
});
