import { spawnSync } from "node:child_process";
import { chmod, mkdir, readdir, readFile, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { COMMAND } from "../testing/run-command.js";
import { useSyncPlace } from "../testing/use-sync-place.js";
import { syncDown } from "./sync-down.js";
import { syncUp } from "./sync-up.js";

// Each command is a process of its own, and a busy machine needs a second or two for one.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 });

/** What lets root read everything, taken away, as setpriv(1) has it. */
const FILE_RIGHTS = "-dac_override,-dac_read_search";

const place = useSyncPlace();

describe("sync, where one side has what the other cannot have,", () => {
  it("writes nothing outside the folder, and tells of every key that cannot be a file in it", async () => {
    const hostile = ["../escaped", "a/../../escaped", "/absolute", "double//slash", "trailing/", "..", "file/below"];
    for (const key of [...hostile, "file", "good"]) await place().client.put(key, Buffer.from(key));
    const { code, counts, notices } = await place().sync(place().namespace, "./out/copy");
    expect(code).toBe(1);
    expect(counts).toMatchObject({ transferred: 2, failed: hostile.length });
    expect(notices.map(({ key }) => key).sort()).toEqual([...hostile].sort());
    expect(await place().readTree("out")).toEqual({ "copy/file": "file", "copy/good": "good" });
    expect(await readdir(place().work)).toEqual(["out"]);
  });

  it("does not follow a link out of the folder when it writes or deletes", async () => {
    await place().make("outside", ["mine"]);
    await mkdir(join(place().work, "copy"));
    await symlink("../outside", join(place().work, "copy", "link"));
    await symlink("../outside/mine", join(place().work, "copy", "file"));
    await place().client.put("link/planted", Buffer.from("x"));
    await place().client.put("file", Buffer.from("new"));
    const { code, notices } = await place().sync(place().namespace, "./copy", "--delete");
    expect(code).toBe(1);
    expect(notices).toContainEqual(expect.objectContaining({ key: "link/planted", level: "failed" }));
    expect(await place().readTree("outside")).toEqual({ mine: "mine" });
    expect(await readFile(join(place().work, "copy", "file"), "utf8")).toBe("new");
  });

  it("tells of a folder that stands where a file should be, and goes on", async () => {
    await place().client.put("a", Buffer.from("file"));
    await place().client.put("b", Buffer.from("file"));
    await place().make("copy", ["a/inside"]);
    const { code, counts, notices } = await place().sync(place().namespace, "./copy");
    expect(code).toBe(1);
    expect(counts).toMatchObject({ transferred: 1, failed: 1 });
    expect(notices).toMatchObject([{ key: "a", level: "failed" }]);
    expect(await place().readTree("copy")).toEqual({ "a/inside": "a/inside", b: "file" });
  });

  it("passes over a file that vanishes before it is read, and fails for nothing else", async () => {
    await place().make("tree", ["a", "b", "c"]);
    const put = place().client.put.bind(place().client);
    place().client.put = async (...args) => {
      await rm(join(place().work, "tree", "b"), { force: true });
      return put(...args);
    };
    const { told, tally } = await place().syncHere(syncUp, "tree");
    expect(told).toEqual(["ignored b"]);
    expect(tally.transferred).toBe(2);
    expect(await place().keys()).toEqual(["a", "c"]);
  });

  it("skips links and says so, keeps what may be behind them, and follows them when told", async () => {
    await place().make("tree", ["folder/file", "plain"]);
    await symlink("folder", join(place().work, "tree", "to-folder"));
    await symlink("plain", join(place().work, "tree", "to-file"));
    const followed = await place().sync("./tree", place().namespace, "--links", "follow");
    expect(followed.counts).toMatchObject({ transferred: 4, ignored: 0 });
    const skipped = await place().sync("./tree", place().namespace, "--delete");
    expect(skipped.counts).toMatchObject({ skipped: 2, deleted: 0, ignored: 3 });
    expect(skipped.notices.map(({ key }) => key)).toEqual(["to-file", "to-folder", "to-folder/file"]);
    expect(await place().keys()).toEqual(["folder/file", "plain", "to-file", "to-folder/file"]);
  });

  it("gives a fetched file the time of its last write, and leaves that of others alone", async () => {
    await place().make("tree", ["old", "large"]);
    await writeFile(join(place().work, "tree", "large"), Buffer.alloc(2 * 1024 * 1024));
    for (const name of ["old", "large"])
      await utimes(join(place().work, "tree", name), 1_234_567_890.125, 1_234_567_890.125);
    await place().sync("./tree", place().namespace);
    await place().client.put("untimed", Buffer.from("x"));
    await place().sync(place().namespace, "./copy");
    const times = await Promise.all(
      ["old", "large"].map(async (name) => (await stat(join(place().work, "copy", name))).mtimeMs),
    );
    expect(times).toEqual([1_234_567_890_125, 1_234_567_890_125]);
    const stored = Date.parse((await place().client.stat("untimed"))?.modified ?? "");
    expect(Math.abs((await stat(join(place().work, "copy", "untimed"))).mtimeMs - stored)).toBeLessThan(1_000);
  });

  it("puts a file where a folder was, and a folder where a file was, when it may delete", async () => {
    await place().make("copy", ["was-folder/deep/file", "was-file"]);
    await mkdir(join(place().work, "copy", "was-empty"));
    for (const key of ["was-folder", "was-file/now/a", "was-empty"]) await place().client.put(key, Buffer.from(key));
    const dry = await place().sync(place().namespace, "./copy", "--delete", "--dry-run");
    expect(dry.counts).toMatchObject({ transferred: 3, deleted: 2, failed: 0 });
    const refused = await place().sync(place().namespace, "./copy");
    expect(refused.counts).toMatchObject({ transferred: 0, failed: 3 });
    const done = await place().sync(place().namespace, "./copy", "--delete");
    expect(done.counts).toMatchObject({ transferred: 3, deleted: 2, failed: 0 });
    const tree = { "was-folder": "was-folder", "was-file/now/a": "was-file/now/a", "was-empty": "was-empty" };
    expect(await place().readTree("copy")).toEqual(tree);
  });

  it("replaces no pipe, and changes nothing in a dry run, not even litter", async () => {
    await mkdir(join(place().work, "copy"));
    expect(spawnSync("mkfifo", [join(place().work, "copy", "pipe")]).status).toBe(0);
    await place().make("copy", [".koboldfs-part-4194305-abcdef"]);
    for (const key of ["pipe", "file"]) await place().client.put(key, Buffer.from(key));
    const dry = await place().sync(place().namespace, "./copy", "--dry-run");
    expect(dry.counts).toMatchObject({ transferred: 1, failed: 1 });
    expect((await readdir(join(place().work, "copy"))).sort()).toEqual([".koboldfs-part-4194305-abcdef", "pipe"]);
    const real = await place().sync(place().namespace, "./copy", "--delete");
    expect(real.counts).toMatchObject({ transferred: 1, failed: 1 });
    expect((await readdir(join(place().work, "copy"))).sort()).toEqual(["file", "pipe"]);
  });

  it("never stores a mixture of what a file was and became while it was read", async () => {
    await place().make("tree", ["quiet"]);
    const [before, after] = [Buffer.alloc(3 * 1024 * 1024, "a"), Buffer.alloc(3 * 1024 * 1024, "b")];
    const path = join(place().work, "tree", "busy");
    await writeFile(path, before);
    const put = place().client.put.bind(place().client);
    let writes = 0;
    place().client.put = (key, source, options) =>
      put(key, source, {
        ...options,
        onProgress: (bytes) => {
          if (key !== "busy" || writes === 1) return;
          writes = 1;
          options?.onProgress?.(bytes);
          spawnSync("sh", ["-c", `tr a b <"${path}" >"${path}.new"; cat "${path}.new" >"${path}"; rm "${path}.new"`]);
        },
      });
    expect(await place().syncHere(syncUp, "tree")).toMatchObject({ told: [], tally: { transferred: 2 } });
    expect(writes).toBe(1);
    expect(Buffer.from((await place().client.getBytes("busy")) ?? []).equals(after)).toBe(true);
  });

  it("gives up a file that changes each time it is read, tells that, and stores the others", async () => {
    await place().make("tree", ["quiet"]);
    await writeFile(join(place().work, "tree", "busy"), Buffer.alloc(2 * 1024 * 1024));
    const put = place().client.put.bind(place().client);
    place().client.put = (key, source, options) => {
      const grow = () => {
        if (key === "busy") spawnSync("sh", ["-c", `echo >>"${join(place().work, "tree", "busy")}"`]);
      };
      return put(key, source, { ...options, onProgress: grow });
    };
    expect((await place().syncHere(syncUp, "tree")).told).toEqual(["failed busy"]);
    expect(await place().keys()).toEqual(["quiet"]);
  });

  it("fetches small files many at a time, and each of the others by itself", async () => {
    const { client } = place();
    const names = Array.from({ length: 300 }, (_, index) => `small/${String(index).padStart(3, "0")}`);
    await place().make("tree", names);
    await writeFile(join(place().work, "tree", "medium"), Buffer.alloc(100 * 1024, "medium"));
    await writeFile(join(place().work, "tree", "large"), Buffer.alloc(2 * 1024 * 1024, "large"));
    await place().syncHere(syncUp, "tree");
    const [getMany, getBytes, get] = [
      client.getMany.bind(client),
      client.getBytes.bind(client),
      client.get.bind(client),
    ];
    const asked: string[] = [];
    client.getMany = (files, options) => (asked.push(`${files.length} files`), getMany(files, options));
    client.getBytes = (key, options) => (asked.push(key), getBytes(key, options));
    client.get = (key, target, options) => (asked.push(key), get(key, target, options));
    await mkdir(join(place().work, "copy"));
    const { told, tally } = await place().syncHere(syncDown, "copy");
    expect(asked.sort()).toEqual(["128 files", "128 files", "44 files", "large", "medium"]);
    expect([told, tally.transferred]).toEqual([[], 302]);
    expect(await place().readTree("copy")).toEqual(await place().readTree("tree"));
  });

  it("fetches what a key names now when it was overwritten or deleted since it was listed", async () => {
    for (const key of ["changes", "goes", "stays"]) await place().client.put(key, Buffer.from("old"));
    const { client } = place();
    const getMany = client.getMany.bind(client);
    client.getMany = async (files, options) => {
      await client.put("changes", Buffer.from("new content"));
      await client.delete("goes");
      return getMany(files, options);
    };
    await mkdir(join(place().work, "copy"));
    const { told, tally } = await place().syncHere(syncDown, "copy");
    expect(told).toEqual(["ignored goes"]);
    expect(tally).toMatchObject({ transferred: 2, transferredBytes: 14 });
    expect(await place().readTree("copy")).toEqual({ changes: "new content", stays: "old" });
  });

  it("overwrites no file that was not there when the folder was read: it may be the same name, spelt otherwise", async () => {
    await mkdir(join(place().work, "copy"));
    for (const [key, size] of [
      ["large", 2 * 1024 * 1024],
      ["small", 1],
    ] as const)
      await place().client.put(key, Buffer.alloc(size));
    const { client } = place();
    const list = client.list.bind(client) as typeof client.list;
    client.list = ((options) => {
      return (async function* () {
        for await (const entry of list(options)) {
          await place().make("copy", [entry.key], () => "mine");
          yield entry;
        }
      })();
    }) as typeof client.list;
    const { told } = await place().syncHere(syncDown, "copy");
    expect(told).toEqual(["failed large", "failed small"]);
    expect(await place().readTree("copy")).toEqual({ large: "mine", small: "mine" });
  });

  it("tells of paths that are too long for a key, and of empty folders, also in a dry run", async () => {
    const long = Array.from({ length: 5 }, () => "x".repeat(250)).join("/");
    await place().make("tree", [long, "short"]);
    await mkdir(join(place().work, "tree", "nothing"));
    for (const options of [["--dry-run"], []]) {
      const { code, counts, notices } = await place().sync("./tree", place().namespace, ...options);
      expect(code).toBe(1);
      expect(counts).toMatchObject({ transferred: 1, failed: 1, ignored: 1 });
      expect(notices.map(({ key, level }) => `${level} ${key}`)).toEqual(["ignored nothing/", `failed ${long}`]);
    }
  });

  it.skipIf(process.getuid?.() !== 0)(
    "passes over what it may not read, tells that, and deletes nothing in its place (only root has rights to give up)",
    async () => {
      await place().make("tree", ["open/file", "closed/file", "secret"]);
      await place().sync("./tree", place().namespace);
      await rm(join(place().work, "tree", "open", "file"));
      await chmod(join(place().work, "tree", "closed"), 0);
      await chmod(join(place().work, "tree", "secret"), 0);
      // Not another user: that one may be unable to read the checkout too, in root's own folder, say.
      const withoutRights = ["--bounding-set", FILE_RIGHTS, "--inh-caps", FILE_RIGHTS];
      const args = [...withoutRights, process.execPath, COMMAND, "sync", "./tree", place().namespace];
      const { status, stdout, stderr } = spawnSync(
        "setpriv",
        [...args, "--delete", "--checksum", "--json", "--server", place().node.url],
        { cwd: place().work, env: { PATH: process.env["PATH"], XDG_CACHE_HOME: place().cache }, encoding: "utf8" },
      );
      expect([status, stdout]).toEqual([1, expect.stringContaining('"deleted":1,')]);
      expect(
        stderr
          .trim()
          .split("\n")
          .map((line): unknown => JSON.parse(line)),
      ).toMatchObject([
        { level: "failed", key: "closed/" },
        { level: "ignored", key: "open/" },
        { level: "ignored", key: "closed/file" },
        { level: "failed", key: "secret", code: "source_unreadable" },
      ]);
      expect(await place().keys()).toEqual(["closed/file", "secret"]);
    },
  );
});
