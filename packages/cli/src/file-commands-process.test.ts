import { createHash, randomBytes } from "node:crypto";
import { chmod, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Client } from "@koboldfs/client";
import { type InsideOptions, runInside } from "./testing/run-inside.js";
import { TestNode } from "./testing/test-node.js";

let node: TestNode;
let place: string;
let count = 0;

beforeAll(async () => {
  node = await TestNode.start();
  for (const name of ["demo", "other"]) expect((await run(`namespace create ${name}`)).code).toBe(0);
});

afterAll(() => node.stop());

/** A prefix and a folder of its own for each test. */
beforeEach(async () => {
  count += 1;
  place = join(node.folder, `place-${count}`);
  await mkdir(place);
});

const at = (text: string) => text.replaceAll("@", `demo/t${count}`).replaceAll("%", place);

/** Runs a command line; `@` is this test's part of the namespace demo, `%` its folder. */
async function run(
  line: string,
  options: InsideOptions = {},
): Promise<{ code: number | null; out: string[]; err: string }> {
  const env = { KOBOLDFS_SERVER: node.url, ...options.env };
  const { code, stdout, stderr } = await runInside(at(line).split(" "), { ...options, env });
  const steady = (text: string) => text.replaceAll(`t${count}`, "@").replaceAll(place, "%");
  return { code, out: steady(stdout).split("\n").slice(0, -1), err: steady(stderr) };
}

async function store(...keys: string[]): Promise<void> {
  const client = new Client("demo", { servers: [node.url] });
  for (const key of keys) await client.put(`t${count}/${key}`, Buffer.from(`content of ${key}`));
  await client.close();
}

async function keys(namespace = "demo"): Promise<string[]> {
  const client = new Client(namespace, { servers: [node.url] });
  const found: string[] = [];
  for await (const { key } of client.list({ prefix: `t${count}/` })) found.push(key.slice(`t${count}/`.length));
  await client.close();
  return found;
}

describe("get", () => {
  it("fetches what a pattern matches into a folder, as deep as it lies behind the pattern's folder", async () => {
    await store("photos/a.jpg", "photos/b.jpg", "photos/c.png", "photos/2026/d.jpg");
    const flat = await run("get @/photos/*.jpg %/flat");
    expect(flat).toMatchObject({ code: 0, err: "" });
    expect(flat.out.toSorted()).toEqual(["%/flat/a.jpg", "%/flat/b.jpg"]);
    expect((await run("get --jobs 1 @/photos/** %/deep")).out).toEqual([
      "%/deep/2026/d.jpg",
      "%/deep/a.jpg",
      "%/deep/b.jpg",
      "%/deep/c.png",
    ]);
    expect(await readFile(join(place, "deep/2026/d.jpg"), "utf8")).toBe("content of photos/2026/d.jpg");
  });

  it("fetches several files that are named, and goes on when one is not there", async () => {
    await store("a", "b");
    const result = await run("get @/a @/none @/b %/");
    expect(result.code).toBe(3);
    expect(result.err).toBe(
      "koboldfs: there is no file demo/@/none (not_found). There is no file with this key; list the namespace to see what is.\n",
    );
    expect((await readdir(place)).toSorted()).toEqual(["a", "b"]);
  });

  it.each([
    ["0-6", "content"],
    ["8-", "of a"],
    ["-1", "a"],
    ["8-8", "o"],
  ])("gives the bytes of --range %s", async (range, text) => {
    await store("a");
    const { stdout } = await runInside(at(`get @/a - --range ${range}`).split(" "), {
      env: { KOBOLDFS_SERVER: node.url },
    });
    expect(stdout).toBe(text);
  });

  it("refuses ranges that make no sense, and says of one outside the file that it is", async () => {
    await store("a");
    for (const range of ["x", "5-2", "-", "1-2-3"]) expect((await run(`get @/a - --range ${range}`)).code).toBe(2);
    expect(await run("get @/a - --range 100-")).toMatchObject({
      code: 1,
      err: expect.stringContaining("(range_not_satisfiable)"),
    });
  });

  it("writes no key outside the folder", async () => {
    await store("../../escape", "fine", "sub/../../x", "fine/clash");
    const result = await run("get --jobs 1 @/** %/safe");
    expect(result.code).toBe(1);
    expect(result.err.match(/\(unsafe_key\)/g)).toHaveLength(3);
    expect(await readdir(join(place, "safe"))).toEqual(["fine"]);
  });

  it("takes wildcards as they stand with --literal or a backslash", async () => {
    await store("a*b", "axb");
    await run("get --literal @/a*b %/one");
    expect(await readFile(join(place, "one"), "utf8")).toBe("content of a*b");
    await run("get @/a\\*b %/two");
    expect(await readFile(join(place, "two"), "utf8")).toBe("content of a*b");
  });

  it("needs a folder for several files, and says so when the target is a file", async () => {
    await store("a", "b");
    await writeFile(join(place, "file"), "");
    expect(await run("get @/a @/b %/file")).toMatchObject({
      code: 2,
      err: expect.stringContaining("several files need a folder"),
    });
    expect(await run("get @/a @/b -")).toMatchObject({ code: 2, err: expect.stringContaining("Use 'koboldfs cat'") });
    expect(await run("get @/none* %/")).toMatchObject({ code: 3, err: expect.stringContaining("nothing matches") });
  });

  it("ends at Ctrl-C with 130 and leaves nothing half", async () => {
    await store("a");
    const interruption = new AbortController();
    const { Interrupt } = await import("./interrupt.js");
    interruption.abort(new Interrupt("SIGINT"));
    expect(await run("get @/a %/a", { signal: interruption.signal })).toMatchObject({
      code: 130,
      err: "koboldfs: interrupted (interrupted).\n",
    });
    expect(await readdir(place)).toEqual([]);
  });
});

describe("cat", () => {
  it("writes files one after the other, and goes on when one is not there", async () => {
    await store("a", "b", "c");
    const result = await runInside(at("cat @/c @/none @/[ab]").split(" "), { env: { KOBOLDFS_SERVER: node.url } });
    expect(result.stdout).toBe("content of ccontent of acontent of b");
    expect(result.code).toBe(3);
    expect(result.stderr).toContain("(not_found)");
  });
});

describe("put", () => {
  it("stores many files at once, tells those that cannot be read, and stores the others", async () => {
    for (const name of ["a", "b", "c"]) await writeFile(join(place, name), name);
    const result = await run("put %/a %/none %/b %/c @/");
    expect(result.code).toBe(1);
    expect(result.err).toMatch(/^koboldfs: cannot read "%\/none": ENOENT.*\(source_unreadable\)/);
    expect(await keys()).toEqual(["a", "b", "c"]);
  });

  it("keeps type and metadata, and does not replace a file with --no-clobber", async () => {
    await writeFile(join(place, "a"), "new");
    await run("put --type text/plain --meta Author=me --meta note=a=b %/a @/a");
    expect((await run("stat @/a")).out).toEqual(
      expect.arrayContaining(["type         text/plain", "meta author  me", "meta note    a=b"]),
    );
    expect(await run("put -n %/a @/a")).toMatchObject({
      code: 1,
      err: expect.stringContaining("(precondition_failed)"),
    });
  });

  it("refuses two files that would have one key", async () => {
    await mkdir(join(place, "sub"));
    for (const name of ["a", "sub/a"]) await writeFile(join(place, name), name);
    expect(await run("put %/a %/sub/a @/")).toMatchObject({
      code: 2,
      err: expect.stringContaining("two of the files would be"),
    });
  });

  it("takes standard input, of any length", async () => {
    const text = "x".repeat(3_000_000);
    expect((await run("put - @/stdin", { stdin: text })).code).toBe(0);
    const digest = createHash("sha256").update(text).digest("hex");
    expect((await run("stat --json @/stdin")).out[0]).toContain(digest);
  });
});

describe("cp and mv", () => {
  it("copy and rename inside a namespace", async () => {
    await store("a");
    expect((await run("cp @/a @/b")).out).toEqual(["copied demo/@/a to demo/@/b"]);
    expect((await run("mv @/a @/sub/")).out).toEqual(["moved demo/@/a to demo/@/sub/a"]);
    expect(await keys()).toEqual(["b", "sub/a"]);
    const [line = ""] = (await run("cp --json @/b @/c")).out;
    expect(JSON.parse(line)).toMatchObject({ namespace: "demo", toNamespace: "demo", moved: false });
  });

  it("copy and move whole folders and patterns, without losing one", async () => {
    await store("photos/a", "photos/2026/b", "photos-not", "x/photos/photos/c");
    expect((await run("cp -r @/photos @/copy")).code).toBe(0);
    expect((await run("mv @/photos/** @/moved/")).code).toBe(0);
    // What a run has moved is not moved again, though it lies where the listing comes by later.
    expect((await run("mv @/x/photos/** @/x/")).code).toBe(0);
    expect(await keys()).toEqual(["copy/2026/b", "copy/a", "moved/2026/b", "moved/a", "photos-not", "x/photos/c"]);
  });

  it("go from one namespace to another with type and metadata", async () => {
    const bytes = randomBytes(2_500_000);
    await writeFile(join(place, "large"), bytes);
    await run("put --type image/png --meta by=me %/large @/large");
    expect((await run(`mv @/large other/t${count}/`)).out).toEqual(["moved demo/@/large to other/@/large"]);
    expect(await keys()).toEqual([]);
    expect((await run(`stat other/t${count}/large`)).out).toEqual(
      expect.arrayContaining([
        `digest    ${createHash("sha256").update(bytes).digest("hex")}`,
        "type      image/png",
        "meta by   me",
      ]),
    );
    await store("a", "b/c");
    expect((await run(`cp -r @ other/t${count}/all`)).code).toBe(0);
    expect(await keys("other")).toEqual(["all/a", "all/b/c", "large"]);
  });

  it("refuse what would lose a file or never end", async () => {
    await store("a", "b/a", "c/a");
    expect(await run("cp @/a @/b/a @/x/")).toMatchObject({ code: 2, err: expect.stringContaining("two of the files") });
    expect(await run("mv @/a @/a")).toMatchObject({ code: 1, err: expect.stringContaining("is its own target") });
    expect(await run("mv -r @/b @/b/c")).toMatchObject({
      code: 2,
      err: expect.stringContaining("cannot go into itself"),
    });
    expect(await run("cp @/a @/b/a @/x")).toMatchObject({
      code: 2,
      err: expect.stringContaining("several files need"),
    });
    const merged = await run("mv @/b/* @/c/* @/x/");
    expect(merged).toMatchObject({ code: 1, err: expect.stringContaining("would replace demo/@/x/a, just written") });
    expect(await run("cp -n @/a @/x/a")).toMatchObject({
      code: 1,
      err: expect.stringContaining("(precondition_failed)"),
    });
    expect(await keys()).toEqual(["a", "c/a", "x/a"]);
  });

  it("say of local paths that those are for put and get", async () => {
    expect(await run("cp ./file demo/x")).toMatchObject({ code: 2, err: expect.stringContaining("'koboldfs put'") });
    expect(await run("cp /etc/motd demo/x")).toMatchObject({
      code: 2,
      err: expect.stringContaining("is a local path"),
    });
  });

  it("tell a source that is not there", async () => {
    expect(await run("cp @/none @/x")).toMatchObject({ code: 3, err: expect.stringContaining("(not_found)") });
    expect(await run(`cp @/none other/x`)).toMatchObject({ code: 3, err: expect.stringContaining("(not_found)") });
  });
});

describe("rm", () => {
  it("deletes what patterns match, and with -r a folder and the file of its name, and nothing that only begins so", async () => {
    await store("a.tmp", "b.tmp", "keep", "photos", "photos/a", "photos/b/c", "photos2");
    expect((await run("rm --dry-run @/*.tmp")).out).toEqual(["would delete demo/@/a.tmp", "would delete demo/@/b.tmp"]);
    expect((await run("rm @/*.tmp")).out).toEqual(["deleted 2 files of demo/@/*.tmp"]);
    expect((await run("rm -r @/photos")).out).toEqual(["deleted 2 files of demo/@/photos", "deleted demo/@/photos"]);
    expect(await keys()).toEqual(["keep", "photos2"]);
    expect(await run("rm @/*.tmp")).toMatchObject({ code: 3, err: expect.stringContaining("nothing matches") });
  });

  it("asks on a terminal before it deletes many, and takes only yes for yes", async () => {
    await store(...Array.from({ length: 12 }, (_, index) => `f${index}`));
    const refused = await run("rm -r @/", { columns: 80, stdin: "n\n" });
    expect(refused).toMatchObject({
      code: 1,
      err: expect.stringContaining("Delete 12 files (158 B) of demo/@/? [y/N]"),
    });
    expect(await keys()).toHaveLength(12);
    expect((await run("rm -r @/", { columns: 80, stdin: "y\n" })).out).toEqual(["deleted 12 files of demo/@/"]);
  });

  it("empties a whole namespace only with --force where there is nobody to ask", async () => {
    expect((await run("namespace create emptied")).code).toBe(0);
    expect(await run("rm -r emptied/")).toMatchObject({ code: 2, err: expect.stringContaining("Give --force") });
    expect(await run("rm emptied/**")).toMatchObject({ code: 2 });
    expect((await run("rm -rf emptied/")).code).toBe(0);
  });
});

describe("ls and url", () => {
  it("list what a pattern matches", async () => {
    await store("a.jpg", "b.jpg", "sub/c.jpg");
    expect((await run("ls @/*.jpg")).out).toEqual(["@/a.jpg", "@/b.jpg"]);
    expect(await run("ls @/*.png")).toMatchObject({ code: 3 });
  });

  it("show folders in colour on a terminal, unless nobody wants colours", async () => {
    await store("sub/c");
    expect((await run("ls @/", { columns: 80, env: { NO_COLOR: "1" } })).out).toEqual(["@/sub/"]);
    expect((await run("ls @/", { columns: 80 })).out).toEqual(["\u001b[34m@/sub/\u001b[39m"]);
    expect((await run("ls @/")).out).toEqual(["@/sub/"]);
  });

  it("print the direct URL of a file, and say why there is none", async () => {
    await store("a");
    expect(await run("url @/a")).toMatchObject({
      code: 1,
      err: expect.stringContaining("(no_direct_url). Give the namespace a template"),
    });
    const template = "http://{server}:8080/{namespace}/{path}";
    expect((await run(`namespace create direct --url-template ${template}`)).code).toBe(0);
    expect((await run("cp @/a direct/a")).code).toBe(0);
    expect((await run("url direct/a")).out[0]).toMatch(/^http:\/\/127\.0\.0\.1:8080\/direct\/\w\w\/\w\w\/\w{64}$/);
    expect(await run("url direct/none")).toMatchObject({ code: 3 });
  });
});

describe("a profile", () => {
  it("is used, and whoever let others read its token is warned", async () => {
    const path = join(place, "koboldfs", "profiles.ini");
    await mkdir(join(place, "koboldfs"));
    await writeFile(path, `server = ${node.url}\ntoken = 0123456789abcdef\n`, { mode: 0o644 });
    const env = { KOBOLDFS_SERVER: "", XDG_CONFIG_HOME: place };
    const warned = await run("ls", { env });
    expect(warned).toMatchObject({
      code: 0,
      err: "koboldfs: warning: others can read the token in %/koboldfs/profiles.ini (profile_exposed). Run 'chmod 600 %/koboldfs/profiles.ini'.\n",
    });
    expect(JSON.parse((await run("ls --json", { env })).err)).toMatchObject({ warning: { code: "profile_exposed" } });
    await chmod(path, 0o600);
    expect(await run("ls", { env })).toEqual({ ...warned, err: "" });
  });
});
