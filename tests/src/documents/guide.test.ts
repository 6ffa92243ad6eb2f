import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pathToFileURL } from "node:url";
import { findOrInstallPrograms } from "@koboldfs/tools";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import Vips from "wasm-vips";
import { findFreePort } from "../harness/free-port.js";
import { mustRun } from "../harness/run-program.js";
import { DemoProcess } from "./demo-process.js";
import { CHECKOUT, findBlock, type MarkdownBlock, readBlocks } from "./markdown-blocks.js";
import { runShellExample } from "./shell-example.js";
import { compileExamples, startCompiledExample } from "./typescript-example.js";

const GUIDE = readBlocks("docs/guide.md");
const COOKBOOK = readBlocks("docs/cookbook.md");
const ABOUT = readFileSync(join(CHECKOUT, "README.md"), "utf8");
const NEXT_ROUTE = "app/photos/[...key]/route";
const curl = await findOrInstallPrograms({ name: "curl", programs: ["curl"], packages: ["curl", "ca-certificates"] });
const missing = "skip" in curl ? ` (skipped: ${curl.skip})` : "";

/** What the first line of a program says it is called. */
function nameOf({ text }: MarkdownBlock): string {
  const name = /^\/\/ (\S+\.ts)\n/.exec(text)?.[1];
  if (name === undefined) throw new Error(`a program of the guide has no name: ${text.slice(0, 80)}`);
  return name;
}

describe.skipIf("skip" in curl)(`the programs of the guide and the cookbook, in a demo cluster${missing}`, () => {
  let demo: DemoProcess;
  let port: number;
  const here = (text: string) =>
    Object.entries({ ...demo.replacements, "3000": String(port) }).reduce(
      (changed, [written, actual]) => changed.replaceAll(written, actual),
      text,
    );
  const shell = (text: string) =>
    runShellExample(here(text), {
      cwd: demo.folder,
      replacements: {},
      env: { KOBOLDFS_SERVER: demo.url("http://127.0.0.1:9876") },
    });

  beforeAll(async () => {
    demo = new DemoProcess();
    await demo.screen();
    port = await findFreePort();
    const programs = GUIDE.filter(({ language }) => language === "ts");
    const recipes = COOKBOOK.filter(({ language }) => language === "ts").map(({ text }) => text);
    const [preamble = "", ...parts] = recipes;
    const cookbook = [preamble, ...parts.map((text) => `{\n${text}}\n`), "await client.close();\n"].join("\n");
    const texts = programs.map((block) => [nameOf(block), here(block.text)] as const);
    compileExamples({ ...Object.fromEntries(texts), "cookbook.ts": here(cookbook) }, demo.folder);
  });
  afterAll(() => demo.stop());

  /** Runs a server of the guide while something is asked of it. */
  async function serving(name: string, ask: () => Promise<void>): Promise<void> {
    const server = await startCompiledExample(`${name}.js`, demo.folder);
    try {
      await ask();
    } finally {
      await server.stop();
    }
  }

  it("fastify hands uploads, downloads and deletes through, and says what was refused", async () => {
    await serving("photos-fastify", async () => {
      const printed = await shell(findBlock(GUIDE, "sh", "-X DELETE http://127.0.0.1:3000").text);
      expect(printed).toMatch(/^\{"digest":"[0-9a-f]{64}",.*"copies":[23],/);
      expect(printed).toContain(ABOUT);
      const url = `http://127.0.0.1:${port}/photos/`;
      expect((await fetch(`${url}about/README.md`)).status).toBe(404);
      const refused = await fetch(`${url}${"x".repeat(1025)}`, { method: "PUT", body: "x" });
      expect([refused.status, await refused.json()]).toEqual([400, expect.objectContaining({ error: "invalid_key" })]);
    });
  });

  it("a form's file is stored as it comes", async () => {
    await serving("form-fastify", async () => {
      await shell(findBlock(GUIDE, "sh", "--form").text);
      expect(await shell("npx koboldfs get photos/inbox/README.md -")).toBe(ABOUT);
    });
  });

  it("Express hands uploads and downloads through", async () => {
    await serving("photos-express", async () => {
      const printed = await shell(
        findBlock(GUIDE.slice(GUIDE.findIndex(({ text }) => text.includes("express"))), "sh").text,
      );
      expect(printed).toMatch(/^\{"digest":"[0-9a-f]{64}",/);
      expect(printed).toContain(ABOUT);
    });
  });

  it("a route handler as Next.js calls it stores and gives back", async () => {
    const route = (await import(pathToFileURL(join(demo.folder, `${NEXT_ROUTE}.js`)).href)) as Route;
    await shell(findBlock(GUIDE, "sh", "namespace create").text);
    const server = createServer((incoming, outgoing) => {
      callRoute(route, incoming).then(
        (answer) => void sendAnswer(answer, outgoing),
        (error: unknown) => outgoing.destroy(error instanceof Error ? error : new Error(String(error))),
      );
    });
    const url = `${await listen(server)}/photos/next%20to/me.md`;
    const stored = await fetch(url, { method: "PUT", body: ABOUT, headers: { "content-type": "text/markdown" } });
    expect(stored.status).toBe(201);
    const got = await fetch(url);
    expect([got.headers.get("content-length"), await got.text()]).toEqual([String(Buffer.byteLength(ABOUT)), ABOUT]);
    expect((await fetch(`${url}.none`)).status).toBe(404);
    expect(await shell("npx koboldfs get 'photos/next to/me.md' -")).toBe(ABOUT);
    server.close();
  });

  it("a thumbnail is made once for each content", async () => {
    const vips = await Vips({ dynamicLibraries: [] });
    const photo = vips.Image.black(640, 480, { bands: 3 }).writeToBuffer(".jpg");
    await serving("thumbnails", async () => {
      const nodes = demo.url("http://127.0.0.1:9876");
      for (const key of ["one.jpg", "two.jpg"]) {
        await fetch(`${nodes}/v1/files/photos/${key}`, { method: "PUT", body: Uint8Array.from(photo) });
        const answer = await fetch(`http://127.0.0.1:${port}/thumbnails/${key}`);
        expect(answer.headers.get("content-type")).toBe("image/jpeg");
        const image = vips.Image.newFromBuffer(new Uint8Array(await answer.arrayBuffer()));
        expect([image.width, image.height]).toEqual([200, 150]);
      }
      expect((await shell("npx koboldfs ls thumbnails")).trim().split("\n")).toHaveLength(1);
      expect((await fetch(`http://127.0.0.1:${port}/thumbnails/none`)).status).toBe(404);
    });
  });

  it("the cookbook's shell recipes work", async () => {
    for (const { text } of COOKBOOK.filter(({ language }) => language === "sh")) await shell(text);
    const again = await shell("npx koboldfs sync docs demo/site --delete --json");
    expect(JSON.parse(again.trim().split("\n").at(-1) ?? "")).toMatchObject({ transferred: 0, deleted: 0 });
  });

  it("the cookbook's programs print what they should", async () => {
    const printed = await mustRun(join(demo.folder, "cookbook.js"), [], { cwd: demo.folder });
    expect(printed.trim().split("\n")).toEqual([
      "somebody was first",
      "42",
      "albums/2025/ …",
      "albums/2026/ …",
      "albums/cover.jpg 1",
      "true",
      "true",
      `16 ${3 * 1024 * 1024}`,
      "TimeoutError",
      "[ [ 'copies/one', 'copies/two' ] ]",
    ]);
  });
});

type Route = Record<string, (request: Request, context: { params: Promise<{ key: string[] }> }) => Promise<Response>>;

/** Calls a route handler with what Next.js would give it: a web request, and the still encoded parts of the path. */
async function callRoute(route: Route, incoming: IncomingMessage): Promise<Response> {
  const { method = "GET", url = "" } = incoming;
  const body = method === "PUT" ? { body: Readable.toWeb(incoming) as ReadableStream, duplex: "half" as const } : {};
  const handler = route[method];
  if (handler === undefined) throw new Error(`the route has no ${method}`);
  const params = Promise.resolve({ key: url.split("/").slice(2) });
  return handler(new Request(`http://127.0.0.1${url}`, { method, ...body }), { params });
}

async function sendAnswer(answer: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(answer.status, Object.fromEntries(answer.headers));
  for await (const piece of answer.body ?? []) outgoing.write(piece);
  outgoing.end();
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
