import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { Client } from "@koboldfs/client";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startCommand } from "./testing/run-command.js";
import { runInside } from "./testing/run-inside.js";
import { TestNode } from "./testing/test-node.js";

let node: TestNode;
let client: Client;
const watching: ChildProcess[] = [];

beforeAll(async () => {
  node = await TestNode.start();
  client = new Client("demo", { servers: [node.url] });
  await client.createNamespace();
});
afterEach(async () => {
  for (const child of watching.splice(0)) {
    if (child.exitCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
});
afterAll(async () => {
  await client.close();
  await node.stop();
});

function watch(...args: string[]) {
  const child = startCommand(["watch", ...args], { env: { KOBOLDFS_SERVER: node.url, HOME: node.folder } });
  watching.push(child);
  if (child.stdout === null) throw new Error("no output");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const take = async (count: number) => {
    const taken: string[] = [];
    while (taken.length < count) taken.push(String((await lines.next()).value));
    return taken;
  };
  return { child, take };
}

/** Numbers and times differ from run to run. */
function steady(lines: readonly string[], first: number): string[] {
  return lines.map((line) =>
    line
      .replace(/^ *(\d+)/, (_all, number: string) => `+${Number(number) - first}`)
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/, "TIME")
      .replace(/@(\d+)$/, (_all, number: string) => `@+${Number(number) - first}`),
  );
}

describe("koboldfs watch", () => {
  it("prints a line for each change behind a number, and goes on as they come", async () => {
    const { head } = await client.status();
    const { version } = await client.put("inbox/a", Buffer.from("x".repeat(2000)));
    await client.put("elsewhere", Buffer.from("x"));
    const { take, child } = watch("demo/inbox/", "--after", String(head));
    const first = await take(1);
    await client.rename("inbox/a", "inbox/b\u202e");
    await client.purge("inbox/a", { version });
    expect(steady([...first, ...(await take(3))], head)).toEqual([
      "+1  TIME  put      2.0 KiB  demo/inbox/a",
      "+3  TIME  put      2.0 KiB  demo/inbox/b\\u202e",
      "+4  TIME  delete            demo/inbox/a",
      "+5  TIME  purge             demo/inbox/a@+1",
    ]);
    child.kill("SIGINT");
    const [code] = (await once(child, "exit")) as [number];
    expect(code).toBe(130);
  });

  it("prints JSON of every namespace, one change a line", async () => {
    const { head } = await client.status();
    await client.put("j", Buffer.from("json"));
    const [line = ""] = await watch("--json", "--after", String(head)).take(1);
    expect(JSON.parse(line)).toMatchObject({ number: head + 1, kind: "put", namespace: "demo", key: "j", size: 4 });
  });

  it("fails at once where there is nothing to follow", async () => {
    const env = { KOBOLDFS_SERVER: node.url };
    const unknown = await runInside(["watch", "nothing"], { env });
    expect([unknown.code, unknown.stderr]).toEqual([3, expect.stringContaining("(namespace_not_found)")]);
    expect((await runInside(["watch", "demo", "--after", "x"], { env })).code).toBe(2);
    expect((await runInside(["watch", "demo"], { env: { KOBOLDFS_SERVER: "http://127.0.0.1:1" } })).code).toBe(4);
  });
});

describe("koboldfs webhook", () => {
  it("adds with a secret, lists, tells in the status what fails, and removes", async () => {
    const env = { KOBOLDFS_SERVER: node.url };
    const run = async (line: string) => {
      const { code, stdout, stderr } = await runInside(line.split(" "), { env });
      return { code, out: stdout.split("\n").slice(0, -1), err: stderr };
    };
    const added = await run("webhook add http://127.0.0.1:1/hook demo/in/");
    expect(added.out).toEqual([
      expect.stringMatching(/^added [0-9a-f]{16}$/),
      expect.stringMatching(/^secret whsec_[A-Za-z0-9+/]{43}= \(not shown again\)$/),
    ]);
    const id = (added.out[0] ?? "").slice("added ".length);
    const [title, line] = (await run("webhook list")).out;
    expect(title).toMatch(/^ID +WHERE +BEHIND +STATE +URL$/);
    expect(line).toMatch(new RegExp(`^${id} +demo/in/ +0 +ok +http://127.0.0.1:1/hook$`));
    await client.put("in/a", Buffer.from("told"));
    const told = `webhook ${id} (http://127.0.0.1:1/hook) is 1 behind: `;
    await expect.poll(async () => (await run("status")).out.join("\n"), { timeout: 10_000 }).toContain(told);
    expect(JSON.parse((await run("webhook list --json")).out[0] ?? "")).toMatchObject({ id, behind: 1, prefix: "in/" });
    expect(await run(`webhook remove ${id}`)).toMatchObject({ code: 0, out: [`removed ${id}`] });
    expect((await run(`webhook remove ${id}`)).code).toBe(3);
    expect(await run("webhook add ftp://x")).toMatchObject({
      code: 1,
      err: expect.stringContaining("invalid_request"),
    });
    expect((await run("webhook add http://x nothing")).code).toBe(3);
  });
});
