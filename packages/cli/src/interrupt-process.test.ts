import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { constants, watch } from "node:fs";
import { type FileHandle, mkdir, open, readdir, readFile, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Client } from "@koboldfs/client";
import { runCommand, startCommand } from "./testing/run-command.js";
import { TestNode } from "./testing/test-node.js";

const MIB = 1024 * 1024;
/** Sent in one request: larger files are resumable uploads, of which a part is to stay. */
const SIZE = 8 * MIB;
/** What of it passes before nothing more does. */
const PASSED = 2 * MIB;
/** Sent as a resumable upload. */
const LARGE = 40 * MIB;
const INTERRUPTED = "koboldfs: interrupted (interrupted).\n";

/** A way to a node on which a transfer stays in its middle: what goes one way stops after so many bytes. */
class StuckWay {
  readonly stuck: Promise<void>;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(node: string, direction: "up" | "down") {
    let reachMiddle: () => void = () => undefined;
    this.stuck = new Promise((resolve) => {
      reachMiddle = resolve;
    });
    const { hostname, port } = new URL(node);
    this.#server = createServer((client) => {
      const upstream = connect(Number(port), hostname);
      const [from, to] = direction === "up" ? [client, upstream] : [upstream, client];
      to.pipe(from);
      let passed = 0;
      from.on("data", (chunk: Buffer) => {
        passed += chunk.length;
        to.write(chunk);
        if (passed < PASSED) return;
        from.pause();
        reachMiddle();
      });
      for (const socket of [client, upstream]) {
        this.#sockets.add(socket);
        socket.on("error", () => undefined);
        socket.on("close", () => [client, upstream].forEach((one) => one.destroy()));
      }
    });
  }

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

let node: TestNode;
let client: Client;
let place: string;
let way: StuckWay;
let count = 0;

beforeAll(async () => {
  node = await TestNode.start();
  client = new Client("demo", { servers: [node.url] });
  await client.createNamespace();
});
afterAll(async () => {
  await client.close();
  await node.stop();
});
beforeEach(async () => {
  count += 1;
  place = join(node.folder, `place-${count}`);
  await mkdir(place);
});

/** Runs the command until the transfer is in its middle and `begun` has come, and ends it with the signal there. */
async function interrupt(line: string, signal: "SIGINT" | "SIGTERM", url: string, begun?: Promise<unknown>) {
  const env = { KOBOLDFS_SERVER: url, HOME: node.folder, XDG_CACHE_HOME: join(node.folder, "cache") };
  const child = startCommand(line.split(" "), { env, cwd: place });
  let errors = "";
  let output = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const closed = once(child, "close");
  await Promise.race([Promise.all([way.stuck, begun]), closed]);
  child.kill(signal);
  const [code] = (await closed) as [number | null];
  return { code, errors, output };
}

describe("a real command that is interrupted in the middle of a file", () => {
  afterEach(() => way.close());

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("leaves the old file and no part of the new one when it fetches (%s)", async (signal, exitCode) => {
    await client.put("big", Buffer.alloc(SIZE, "x"));
    await writeFile(join(place, "file"), "old");
    way = new StuckWay(node.url, "down");
    const url = await way.open();
    const watcher = watch(place);
    const partAppeared = once(watcher, "change");
    const { code, errors } = await interrupt("get demo/big file", signal, url, partAppeared);
    watcher.close();
    expect(code).toBe(exitCode);
    expect(errors).toBe(INTERRUPTED);
    expect(await readdir(place)).toEqual(["file"]);
    expect(await readFile(join(place, "file"), "utf8")).toBe("old");
  });

  it("leaves the old version and no half one when it stores", async () => {
    await client.put("stored", Buffer.from("old"));
    await writeFile(join(place, "file"), Buffer.alloc(SIZE, "x"));
    way = new StuckWay(node.url, "up");
    const { code, errors } = await interrupt("put file demo/stored", "SIGINT", await way.open());
    expect(code).toBe(130);
    expect(errors).toBe(INTERRUPTED);
    expect(await readdir(place)).toEqual(["file"]);
    expect(Buffer.from((await client.getBytes("stored")) ?? []).toString()).toBe("old");
  });

  it("says that the same command goes on with what the server keeps of a large file", async () => {
    await writeFile(join(place, "file"), Buffer.alloc(LARGE, "x"));
    way = new StuckWay(node.url, "up");
    const { code, errors } = await interrupt("put file demo/large", "SIGINT", await way.open());
    expect(code).toBe(130);
    expect(errors).toBe(
      "koboldfs: interrupted (interrupted). The server keeps what was sent: the same command goes on from there.\n",
    );
    expect(await readdir(join(node.folder, "cache", "koboldfs", "uploads"))).toHaveLength(1);
  });

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)(
    "tells what a sync did, leaves no part of a file, and the next run completes it (%s)",
    async (signal, exit) => {
      const names = ["a", "b"].map((name) => `${signal}/${name}`);
      for (const name of names) await client.put(name, Buffer.from(name));
      await client.put(`${signal}/z-large`, Buffer.alloc(SIZE, "x"));
      way = new StuckWay(node.url, "down");
      const line = `sync demo/${signal} copy --json`;
      const { code, errors, output } = await interrupt(line, signal, await way.open());
      expect(code).toBe(exit);
      expect(JSON.parse(errors)).toEqual({ error: { code: "interrupted", message: "interrupted" } });
      expect(JSON.parse(output)).toMatchObject({ complete: false, failed: 0 });
      const { transferred } = JSON.parse(output) as { transferred: number };
      const left = await readdir(join(place, "copy"));
      expect(left).toHaveLength(transferred);
      expect(["a", "b"]).toEqual(expect.arrayContaining(left));
      const env = { KOBOLDFS_SERVER: node.url, HOME: node.folder, XDG_CACHE_HOME: join(node.folder, "cache") };
      const again = await runCommand(line.split(" "), { env, cwd: place });
      expect(JSON.parse(again.stdout)).toMatchObject({ complete: true, transferred: 3 - transferred });
      expect((await readFile(join(place, "copy", "z-large"))).length).toBe(SIZE);
    },
  );
});

describe("a real command that something does not let go of", () => {
  /** A pipe that is being read, and to which nobody ever writes. */
  async function openWhenRead(path: string): Promise<FileHandle> {
    for (;;) {
      try {
        return await open(path, constants.O_WRONLY | constants.O_NONBLOCK);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENXIO") throw error;
      }
      await sleep(20);
    }
  }

  it("has said so at Ctrl-C, and ends by itself a little later", async () => {
    const path = join(node.folder, "pipe");
    execFileSync("mkfifo", [path]);
    const env = { KOBOLDFS_SERVER: node.url, HOME: node.folder };
    const child = startCommand(["put", path, "demo/pipe"], { env, cwd: node.folder });
    const ended = once(child, "exit");
    const pipe = await openWhenRead(path);
    child.kill("SIGINT");
    const [said] = (await once(child.stderr?.setEncoding("utf8") ?? child, "data")) as [string];
    expect(said).toBe(INTERRUPTED);
    expect(await ended).toEqual([null, "SIGINT"]);
    await pipe.close();
  });
});

describe("a process that listens for the wish to end, and does not end", () => {
  const SCRIPT = new URL("./interrupt.js", import.meta.url).href;
  const BODY = `import(${JSON.stringify(SCRIPT)}).then(({ listenForInterrupt }) => {
    listenForInterrupt((signal) => console.log("told of " + signal));
    console.log("listens");
    setInterval(() => {}, 1000);
  })`;

  it("is told of signals that come together, and ended at once by one that comes later", async () => {
    const child = spawn(process.execPath, ["-e", BODY], { stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(child, "exit");
    const said = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    expect((await said.next()).value).toBe("listens");
    child.kill("SIGINT");
    child.kill("SIGTERM");
    const told = [(await said.next()).value, (await said.next()).value];
    expect(new Set(told)).toEqual(new Set(["told of SIGINT", "told of SIGTERM"]));
    // Longer than what npm takes to pass a signal on.
    await sleep(400);
    child.kill("SIGINT");
    expect(await ended).toEqual([null, "SIGINT"]);
    expect((await said.next()).done).toBe(true);
  });
});
