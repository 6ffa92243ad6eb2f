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
