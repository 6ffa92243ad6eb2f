import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const COMMAND = fileURLToPath(new URL("../../bin/koboldfs.js", import.meta.url));

describe("koboldfs demo", { timeout: 120_000 }, () => {
  let folder: string;
  let demo: ChildProcess;
  let text: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "koboldfs-demo-"));
  });
  afterEach(async () => {
    if (demo.exitCode === null && demo.signalCode === null) {
      demo.kill("SIGINT");
      await once(demo, "close");
    }
    await rm(folder, { recursive: true });
  });

  function start(...args: string[]): void {
    text = "";
    demo = spawn(process.execPath, [COMMAND, "demo", "--dir", join(folder, "data"), ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [demo.stdout, demo.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
    }
  }

  /** Resolves when the text has what is looked for, rejects when the demo ends before. */
  function until(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(text);
        if (match !== null) resolve(match);
      };
      demo.stdout?.on("data", look);
      demo.once("close", () => reject(new Error(`the demo ended:\n${text}`)));
      look();
    });
  }

  async function urlsOfScreen(): Promise<string[]> {
    await until(/Ctrl-C stops/);
    return [...text.matchAll(/^ {2}kobold\d +(http:\S+)/gm)].map((match) => match[1] ?? "");
  }

  it("runs as many nodes as it is told, that replicate, and finds the files again in the next run", async () => {
    start("--nodes", "2", "--port", String(await freePort()));
    const [first, second] = await urlsOfScreen();
    const put = await fetch(`${first}/v1/files/demo/motd`, { method: "PUT", body: "hello" });
    expect(await put.json()).toMatchObject({ copies: 2, wanted: 2 });
    expect(await (await fetch(`${second}/v1/files/demo/motd`)).text()).toBe("hello");
    demo.kill("SIGINT");
    expect(await once(demo, "close")).toEqual([0, null]);
    await expect(fetch(`${first}/healthz`)).rejects.toThrow();

    start("--nodes", "2", "--port", String(await freePort()));
    const [again] = await urlsOfScreen();
    expect(await (await fetch(`${again}/v1/files/demo/motd`)).text()).toBe("hello");
  });

  it("takes another port when the usual one is taken, and says so", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const address = other.address();
    const taken = typeof address === "object" ? address?.port : undefined;
    start("--nodes", "1", "--port", String(taken));
    const [url] = await urlsOfScreen();
    other.close();
    expect(text).toContain("the usual port of kobold1 is taken");
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });

  it("reports a node that dies and starts it again", async () => {
    start("--nodes", "1", "--port", String(await freePort()));
    const [url] = await urlsOfScreen();
    const status = (await (await fetch(`${url}/v1/status`)).json()) as { node: string };
    expect(status.node).toBe("kobold1");
    process.kill(await childOf(demo.pid ?? 0), "SIGKILL");
    await until(/kobold1 was killed by SIGKILL\. Its last words:\n {2}\| [^\n]*listening at/);
    await until(/It is started again[^]*listening at/);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });

  it("ends with the words of a node that cannot start", async () => {
    start("--nodes", "1", "--port", String(await freePort()));
    await urlsOfScreen();
    const running = demo;
    start("--nodes", "1", "--port", String(await freePort()));
    const second = demo;
    const [code] = (await once(second, "close")) as [number];
    expect(code).toBe(1);
    expect(text).toContain("volume_in_use");
    demo = running;
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** The one process that the process started, from /proc. */
async function childOf(pid: number): Promise<number> {
  return Number((await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim().split(" ")[0]);
}
