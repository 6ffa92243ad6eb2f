import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "@koboldfs/client";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runInside } from "./testing/run-inside.js";
import { TestNode } from "./testing/test-node.js";

let node: TestNode;
let client: Client;
let place: string;
/** The journal's number before the test: numbers are told as what was added to it. */
let start = 0;
let count = 0;

beforeAll(async () => {
  node = await TestNode.start();
});
afterAll(() => node.stop());
beforeEach(async () => {
  count += 1;
  client = new Client(`h${count}`, { servers: [node.url] });
  await client.createNamespace();
  start = (await client.status()).head;
  place = join(node.folder, `place-${count}`);
  await mkdir(place);
  return () => client.close();
});

const put = async (key: string, text: string) => (await client.put(key, Buffer.from(text))).version;
const now = async () => (await client.status()).head;

/** Runs a command line; `@` is this test's namespace, `%` its folder, `+N` a number behind the start. */
async function run(line: string) {
  const args = line.split(" ").map((word) =>
    word
      .replace("@/", `h${count}/`)
      .replace(/^@$/, `h${count}`)
      .replace("%", place)
      .replace(/\+(\d+)/, (_all, behind: string) => String(start + Number(behind))),
  );
  const { code, stdout, stderr } = await runInside(args, { env: { KOBOLDFS_SERVER: node.url } });
  return { code, out: steady(stdout).split("\n").slice(0, -1), err: steady(stderr) };
}

function steady(text: string): string {
  return text
    .replaceAll(`h${count}/`, "@/")
    .replaceAll(place, "%")
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, "TIME")
    .replace(/(version )(\d+)/g, (_all, word: string, number: string) => `${word}+${Number(number) - start}`)
    .replace(/^( *)(\d+)(?=  TIME)/gm, (_all, _space, number: string) => `+${Number(number) - start}`)
    .replace(/@(\d+)\b/g, (_all, number: string) => `@+${Number(number) - start}`);
}

describe("koboldfs versions", () => {
  it("shows what a key named, the newest first, with the moments at which it was deleted", async () => {
    await put("a", "one");
    await client.delete("a");
    await put("a", "three");
    const { code, out } = await run("versions @/a");
    expect([code, out]).toEqual([
      0,
      [
        expect.stringMatching(/^ *VERSION {2}SINCE +SIZE {2}DIGEST$/),
        expect.stringMatching(/^\+3 {2}TIME +5 B {2}8b5b9db0c13db242$/),
        expect.stringMatching(/^\+2 {2}TIME {2}deleted$/),
        expect.stringMatching(/^\+1 {2}TIME +3 B {2}7692c3ad3540bb80$/),
      ],
    ]);
    const lines = (await run("versions --json @/a")).out.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ version, deleted }) => [Number(version) - start, deleted])).toEqual([
      [3, false],
      [2, true],
      [1, false],
    ]);
  });

  it("is 3 for a key that never was", async () => {
    expect(await run("versions @/never")).toMatchObject({ code: 3, err: expect.stringContaining("(not_found)") });
  });
});

describe("koboldfs undelete and ls --deleted", () => {
  it("list what can come back, and bring it back", async () => {
    await put("photos/a", "one");
    await put("photos/b", "two");
    await put("c", "three");
    await client.deleteMany(["photos/a", "c"]);
    expect((await run("ls --deleted @")).out).toEqual(["c", "photos/a"]);
    expect((await run("ls --deleted -l @/photos/")).out).toEqual([
      expect.stringMatching(/^ +3 B {2}.{20} {2}photos\/a$/),
    ]);
    expect(await run("undelete @/photos/a")).toMatchObject({ code: 0, out: ["undeleted @/photos/a"] });
    expect(new TextDecoder().decode(await client.getBytes("photos/a"))).toBe("one");
    expect((await run("ls --deleted @")).out).toEqual(["c"]);
    expect(await run("undelete @/photos/b")).toMatchObject({ code: 1, err: expect.stringContaining("(not_deleted)") });
    expect(await run("undelete @/never")).toMatchObject({ code: 3 });
    expect(await run("ls --deleted --as-of 1 @")).toMatchObject({ code: 2 });
    expect(await run("ls --deleted")).toMatchObject({ code: 2 });
  });
});

describe("koboldfs restore", () => {
  it("makes an older version current, as a new one", async () => {
    await put("a", "one");
    await put("a", "two");
    expect(await run("restore @/a@+1")).toMatchObject({ code: 0, out: ["restored @/a@+1 as version +3"] });
    expect(new TextDecoder().decode(await client.getBytes("a"))).toBe("one");
    expect(await run("restore @/a@+2000")).toMatchObject({
      code: 1,
      err: expect.stringContaining("(version_not_found)"),
    });
  });

  it("makes everything below a prefix what it was, and leaves the rest", async () => {
    await put("p/changed", "old");
    await put("p/removed", "old");
    await put("other", "old");
    await put("p/changed", "new");
    await put("p/added", "new");
    await put("other", "new");
    await client.delete("p/removed");
    const { code, out } = await run("restore --prefix @/p/ --as-of +3");
    expect([code, out]).toEqual([0, ["restored 2 files, removed 1 file"]]);
    expect((await run("cat @/p/changed @/other")).out.join("")).toBe("");
    expect((await run("ls -r @")).out).toEqual(["other", "p/changed", "p/removed"]);
    expect(new TextDecoder().decode(await client.getBytes("p/changed"))).toBe("old");
    expect(new TextDecoder().decode(await client.getBytes("other"))).toBe("new");
  });

  it.each(["restore", "restore @/a", "restore @/a@1 --as-of 1", "restore --prefix @/p", "restore @/a@1 --prefix @/p"])(
    "makes no sense as '%s'",
    async (line) => expect(await run(line)).toMatchObject({ code: 2 }),
  );
});

describe("koboldfs purge", () => {
  it("removes one version, or all, for ever", async () => {
    await put("a", "one");
    await put("a", "two");
    await put("a", "three");
    expect(await run("purge @/a --version +1")).toMatchObject({ code: 0 });
    expect((await run("versions --json @/a")).out).toHaveLength(2);
    expect(await run("cat @/a --version +1")).toMatchObject({
      code: 1,
      err: expect.stringContaining("version_not_found"),
    });
    const all = await run("purge @/a --json");
    expect(JSON.parse(all.out[0] ?? "")).toMatchObject({ key: "a", purged: 2 });
    expect(await run("versions @/a")).toMatchObject({ code: 3 });
    expect(await run("undelete @/a")).toMatchObject({ code: 3 });
    expect(await run("purge @/a")).toMatchObject({ code: 3 });
    await expect
      .poll(() => readdir(join(node.folder, "volume/blobs", `h${count}`), { recursive: true, withFileTypes: true }))
      .not.toContainEqual(expect.objectContaining({ name: expect.stringMatching(/^[0-9a-f]{64}$/) }));
  });
});

describe("reading the past", () => {
  it("works with get, cat, stat and ls, by a number, a time or a version", async () => {
    await put("a", "first");
    await put("dir/x", "old x");
    const then = await now();
    const time = (await client.stat("dir/x"))?.modified ?? "";
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await put("a", "second");
    await client.delete("dir/x");
    await put("dir/y", "new y");
    const cat = (line: string) => runInside(`cat ${line}`.split(" "), { env: { KOBOLDFS_SERVER: node.url } });
    expect((await cat(`h${count}/a --as-of ${then}`)).stdout).toBe("first");
    expect((await cat(`h${count}/a --version ${start + 1}`)).stdout).toBe("first");
    expect((await cat(`h${count}/a`)).stdout).toBe("second");
    expect((await cat(`h${count}/dir/* --as-of ${then}`)).stdout).toBe("old x");
    const afterwards = new Date(Date.parse(time) + 1000).toISOString();
    expect((await cat(`h${count}/a --as-of ${afterwards}`)).stdout).toBe("first");
    expect(await run(`get @/dir/* %/out --as-of ${then}`)).toMatchObject({ code: 0, out: ["%/out/x"] });
    expect(await readFile(join(place, "out/x"), "utf8")).toBe("old x");
    expect(await run(`get @/a %/a1 --version +1`)).toMatchObject({ code: 0 });
    expect(await readFile(join(place, "a1"), "utf8")).toBe("first");
    const stat = await run(`stat @/a --as-of ${then} --json`);
    expect(JSON.parse(stat.out[0] ?? "")).toMatchObject({ size: 5, version: start + 1 });
    expect(await run(`stat @/dir/y --as-of ${then}`)).toMatchObject({ code: 3 });
    expect((await run(`ls -r @ --as-of ${then}`)).out).toEqual(["a", "dir/x"]);
    expect((await run(`ls @/dir/* --as-of ${then}`)).out).toEqual(["dir/x"]);
  });

  it("may come from the mirror of the node that is asked", async () => {
    await put("dir/m", "mirrored");
    const read = () =>
      runInside(["cat", `h${count}/dir/m`, "--consistency", "mirror"], { env: { KOBOLDFS_SERVER: node.url } });
    expect((await read()).stdout).toBe("mirrored");
    expect(JSON.parse((await run("stat @/dir/m --consistency mirror --json")).out[0] ?? "")).toMatchObject({ size: 8 });
    expect((await run("ls -r @ --consistency mirror")).out).toEqual(["dir/m"]);
    expect((await run("ls @/dir/* --consistency strong")).out).toEqual(["dir/m"]);
    expect(await run("get @/dir/m --consistency mirror --version 1")).toMatchObject({ code: 2 });
    expect(await run("ls @ --consistency soon")).toMatchObject({ code: 2 });
    expect(await run("ls @ --consistency mirror --as-of 1")).toMatchObject({ code: 2 });
  });

  it("is refused where it means nothing, and below the horizon", async () => {
    await put("a", "one");
    expect(await run("cat @/a --as-of 1 --version 1")).toMatchObject({ code: 2 });
    expect(await run("get @/* % --version 1")).toMatchObject({ code: 2 });
    expect(await run("ls --as-of 1")).toMatchObject({ code: 2 });
    expect(await run("cat @/a --as-of 1")).toMatchObject({ code: 1, err: expect.stringContaining("(history_gone)") });
    expect(await run("cat @/a --as-of yesterday")).toMatchObject({
      code: 1,
      err: expect.stringContaining("(invalid_request)"),
    });
  });
});
