import { Client } from "@koboldfs/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runInside } from "./testing/run-inside.js";
import { TestNode } from "./testing/test-node.js";

let node: TestNode;
let client: Client;

beforeAll(async () => {
  node = await TestNode.start();
  client = new Client("demo", { servers: [node.url] });
  await client.createNamespace();
});
afterAll(async () => {
  await client.close();
  await node.stop();
});

function koboldfs(line: string) {
  return runInside(line.split(" "), { env: { KOBOLDFS_SERVER: node.url, HOME: node.folder } });
}

/** Ids and times differ from run to run. */
function steady(text: string, id: string): string[] {
  return text
    .replaceAll(id, "ID".padEnd(id.length))
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, "TIME")
    .trimEnd()
    .split("\n")
    .map((line) => line.trimEnd());
}

describe("koboldfs transaction", () => {
  it("lists and shows what is not finished, and what it would change", async () => {
    await client.put("old", Buffer.from("old"));
    const tx = await client.begin();
    await tx.files.put("new", Buffer.from("12345"));
    await tx.files.delete("old");
    const listed = steady((await koboldfs("transaction list")).stdout, tx.id);
    expect(listed.map((line) => line.split(/ {2,}/))).toEqual([
      ["TRANSACTION", "STATE", "BEGUN", "KEYS", "STAGED"],
      ["ID", "open", "TIME", "2", "5 B"],
    ]);
    const shown = steady((await koboldfs(`transaction show ${tx.id}`)).stdout, tx.id);
    expect(shown).toEqual([
      "transaction  ID",
      "state        open",
      "begun        TIME",
      "expires      TIME",
      "keys         2",
      "staged       5 B",
      "",
      "CHANGE  KEY       SIZE",
      "put     demo/new   5 B",
      "delete  demo/old",
    ]);
    await tx.abort();
  });

  it("ends one by its id, once it was said or asked, and tells what came of it", async () => {
    const tx = await client.begin();
    await tx.files.put("page", Buffer.from("1"));
    await tx.prepare();
    const open = await client.begin();
    await open.files.put("draft", Buffer.from("12"));
    const status = (await koboldfs("status")).stdout;
    expect(status).toMatch(/transactions: 1 open since \d{4}-\S+, 1 prepared since \d{4}-\S+, 3 B staged\n/);
    await open.abort();
    expect((await koboldfs(`transaction commit ${tx.id}`)).code).toBe(2);
    expect((await koboldfs(`transaction commit ${tx.id} --yes`)).stdout).toBe(`${tx.id} is committed\n`);
    expect((await koboldfs(`transaction commit ${tx.id} --yes`)).stdout).toBe(`${tx.id} is committed\n`);
    expect((await client.stat("page"))?.size).toBe(1);
    const refused = await koboldfs(`transaction abort ${tx.id} --yes`);
    expect([refused.code === 0, refused.stderr]).toEqual([false, expect.stringContaining("transaction_finished")]);
    const all = (await koboldfs("transaction list --all --json")).stdout.trim().split("\n");
    const states = all.map((line) => JSON.parse(line) as { id: string; state: string });
    expect(states).toContainEqual(expect.objectContaining({ id: tx.id, state: "committed" }));
    expect((await koboldfs("transaction list --json")).stdout).toBe("");
    expect((await koboldfs("transaction show nonsense")).stderr).toContain("transaction_not_found");
  });
});
