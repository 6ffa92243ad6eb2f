import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compareKeys } from "@koboldfs/client";
import { LocalTree } from "./local-tree.js";
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

async function walk(): Promise<{ keys: string[]; tree: LocalTree }> {
  const tree = new LocalTree(folder, new SyncNotices((notice) => told.push(notice)));
  const keys: string[] = [];
  for await (const { key } of tree.files()) keys.push(key);
  return { keys, tree };
}

describe("the walk of a folder", () => {
  it("goes in the byte order of the keys, not of the folders", async () => {
    await make("a/b", "a-b", "a.b/c", "a0", "ü", "\u{1f600}", "\ufb01", "Z", "a/a/a");
    const { keys } = await walk();
    expect(keys).toEqual([...keys].sort(compareKeys));
    expect(keys).toEqual(["Z", "a-b", "a.b/c", "a/a/a", "a/b", "a0", "ü", "\ufb01", "\u{1f600}"]);
  });

  it("takes links to files for the files, and tells of other links", async () => {
    await make("target/file");
    await symlink("target/file", join(folder, "to-file"));
    await symlink("target", join(folder, "to-folder"));
    await symlink("nowhere", join(folder, "to-nothing"));
    expect((await walk()).keys).toEqual(["target/file", "to-file"]);
    expect(told.map(({ key, level }) => `${level} ${key}`)).toEqual(["ignored to-folder", "ignored to-nothing"]);
  });

  it("tells of names that are not UTF-8, since they can be no key", async () => {
    await writeFile(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x61, 0xff])]), "x");
    expect((await walk()).keys).toEqual([]);
    expect(told).toMatchObject([{ level: "failed", message: "its name is not UTF-8" }]);
  });

  it("removes what a killed download left, and not what one that runs is writing", async () => {
    const gone = ".koboldfs-part-4194305-abcdef";
    await make(gone, `.koboldfs-part-${process.pid}-abcdef`, "file");
    expect((await walk()).keys).toEqual(["file"]);
    await rm(join(folder, `.koboldfs-part-${process.pid}-abcdef`));
    await expect(rm(join(folder, gone))).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("knows that it is not complete when a folder vanished before it was read", async () => {
    await make("a/file", "b/file");
    const tree = new LocalTree(folder, new SyncNotices((notice) => told.push(notice)));
    const keys: string[] = [];
    for await (const { key } of tree.files()) {
      keys.push(key);
      await rm(join(folder, "b"), { recursive: true });
    }
    expect(keys).toEqual(["a/file"]);
    expect(tree.isComplete).toBe(false);
    expect(told).toMatchObject([{ level: "ignored", key: "b/", message: "the folder vanished" }]);
  });

  it("fails for a root that is not there", async () => {
    await rm(folder, { recursive: true });
    const { tree } = await walk();
    expect(tree.isComplete).toBe(false);
    expect(told).toMatchObject([{ level: "failed" }]);
  });
});
