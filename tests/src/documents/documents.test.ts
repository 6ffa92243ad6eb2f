import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findOrInstallPrograms, getTestPostgres } from "@koboldfs/tools";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runShellExample } from "./shell-example.js";
import { DemoProcess } from "./demo-process.js";
import { joinExamples, readDocstringExamples } from "./docstring-examples.js";
import { CHECKOUT, findBlock, readBlocks } from "./markdown-blocks.js";
import { runTypeScriptExample } from "./typescript-example.js";

const README = readBlocks("README.md");
const README_DIGEST = createHash("sha256")
  .update(readFileSync(join(CHECKOUT, "README.md")))
  .digest("hex");
// The documents' examples call curl.
const curl = await findOrInstallPrograms({ name: "curl", programs: ["curl"], packages: ["curl", "ca-certificates"] });
const missing = "skip" in curl ? ` (skipped: ${curl.skip})` : "";

describe.skipIf("skip" in curl)(`the examples of the documents, in a demo cluster${missing}`, () => {
  let demo: DemoProcess;
  let screen: string;
  const place = () => ({
    cwd: demo.folder,
    replacements: demo.replacements,
    env: { KOBOLDFS_SERVER: demo.url("http://127.0.0.1:9876") },
  });

  beforeAll(async () => {
    demo = new DemoProcess();
    screen = await demo.screen();
  });
  afterAll(() => demo.stop());

  it("the demo prints what the README shows", () => {
    let shown = findBlock(README, "console").text.replace("/home/you/koboldfs", demo.folder);
    for (const [written, here] of Object.entries(demo.replacements)) shown = shown.replaceAll(written, here);
    // Here the first node is not on the usual port, and machines have different files to try with.
    const normalize = (text: string) =>
      text
        .replace(/^Note: .*\n/gm, "")
        .replaceAll(/ --server \S+/g, "")
        .replace(/put \/etc\/\w+/, "put FILE")
        .trim();
    expect(normalize(screen)).toBe(normalize(shown));
  });

  it("what the demo says to type next works", async () => {
    const commands = screen.split("\n").filter((line) => /^ {2}(npx|curl) /.test(line));
    expect(commands).toHaveLength(4);
    await runShellExample(commands.join("\n"), place());
  });

  it("the README's shell examples work, and every file is on the third node's disk", async () => {
    const printed = await runShellExample(findBlock(README, "sh", "demo/about/README.md").text, place());
    const text = readFileSync(join(CHECKOUT, "README.md"), "utf8");
    // Once from get, once from curl.
    expect(printed.split(text)).toHaveLength(3);
    expect(printed).toContain(README_DIGEST);
    await demo.settled();
    const sums = await runShellExample(findBlock(README, "sh", "sha256sum").text, place());
    const lines = sums.trim().split("\n");
    expect(lines.length).toBeGreaterThan(5);
    for (const line of lines) expect(line).toMatch(/^([0-9a-f]{64}) .*\/\1$/);
    expect(sums).toContain(README_DIGEST);
  });

  it("the README's client program has no type errors and works", async () => {
    let text = findBlock(README, "ts").text;
    for (const [written, here] of Object.entries(demo.replacements)) text = text.replaceAll(written, here);
    const printed = await runTypeScriptExample(text, demo.folder);
    expect(printed).toMatch(/^motd \d+$/m);
    expect(printed).toMatch(/[0-9a-f]{64} [23] 3\n$/);
  });

  it("the examples in the client's docstrings and README have no type errors and hold", async () => {
    const docstrings = readDocstringExamples("packages/client/src");
    expect(docstrings.length).toBeGreaterThan(12);
    const path = "packages/client/README.md";
    const readme = readBlocks(path).filter(({ language }) => language === "ts");
    const examples = [...docstrings, ...readme.map(({ text }) => ({ origin: path, text }))];
    let program = joinExamples(examples, demo.url("http://127.0.0.1:9876"));
    for (const [written, here] of Object.entries(demo.replacements)) program = program.replaceAll(written, here);
    expect(await runTypeScriptExample(program, demo.folder)).toMatch(/every example held\n$/);
  });

  it("the examples of docs/http.md work", async () => {
    const examples = readBlocks("docs/http.md").filter(({ language }) => language === "sh");
    expect(examples.length).toBeGreaterThan(4);
    for (const { text } of examples) await runShellExample(text, place());
  });

  it("the examples of docs/transactions.md have no type errors and work", async () => {
    const blocks = readBlocks("docs/transactions.md");
    const printed = await runShellExample(findBlock(blocks, "sh").text, place());
    expect(printed).toContain('"state":"committed"');
    let text = findBlock(blocks, "ts").text;
    for (const [written, here] of Object.entries(demo.replacements)) text = text.replaceAll(written, here);
    await runTypeScriptExample(text, demo.folder);
    const listed = await runShellExample("curl -s http://127.0.0.1:9876/v1/files/demo?prefix=site/", place());
    for (const key of ["index.md", "about.md", "index.html", "logo.svg"]) expect(listed).toContain(`site/${key}`);
  });

  it("the example of docs/transactions.md with a database commits a row and a file", async () => {
    const database = await (await getTestPostgres()).createDatabase();
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    await client.query("create table albums (id serial primary key, title text not null)");
    writeFileSync(join(demo.folder, "summer.jpg"), "a summer");
    let text = findBlock(readBlocks("docs/transactions.md"), "ts", "withDatabase").text;
    expect(text).toContain("postgres://shop@db/shop");
    for (const [written, here] of Object.entries({ ...demo.replacements, "postgres://shop@db/shop": database.url })) {
      text = text.replaceAll(written, here);
    }
    await runShellExample("curl -sf -X PUT http://127.0.0.1:9876/v1/namespaces/photos", place());
    await runTypeScriptExample(text, demo.folder);
    const { rows } = await client.query<{ id: number; title: string }>("select id, title from albums");
    expect(rows).toEqual([{ id: 1, title: "Summer" }]);
    const got = await runShellExample("curl -sf http://127.0.0.1:9876/v1/files/photos/albums/1/cover.jpg", place());
    expect(got).toBe("a summer");
    await client.end();
    await database.drop();
  });
});

it("the two commands of the README are what package.json and .ci/run do", () => {
  const { scripts } = JSON.parse(readFileSync(join(CHECKOUT, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  expect(findBlock(README, "sh", "npm start").text).toBe("npm ci && npm start\n");
  expect(scripts["start"]).toBe("koboldfs demo");
  expect(findBlock(README, "sh", "npm test").text).toBe("npm ci && npm test\n");
  expect(readFileSync(join(CHECKOUT, ".ci/run"), "utf8")).toContain("npm ci && npm test;");
});
