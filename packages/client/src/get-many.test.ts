import { createHash } from "node:crypto";
import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { Client } from "./index.js";
import { type Answer, ScriptedServer, sendProblem } from "./testing/scripted-server.js";

const opened: { client: Client; servers: ScriptedServer[] }[] = [];

async function connect(...answers: Answer[]): Promise<{ client: Client; servers: ScriptedServer[] }> {
  const servers = await Promise.all(answers.map((answer) => ScriptedServer.start(answer)));
  const client = new Client("demo", { servers: servers.map((server) => server.url), deadlineMs: 2_000 });
  opened.push({ client, servers });
  return { client, servers };
}

afterEach(async () => {
  for (const { client, servers } of opened.splice(0)) {
    await client.close();
    await Promise.all(servers.map((server) => server.kill()));
  }
});

function entry(key: string, content: string, spoil = (bytes: Buffer) => bytes): Buffer {
  const bytes = Buffer.from(content);
  const digest = createHash("sha256").update(bytes).digest("hex");
  const info = { key, digest, size: bytes.length, version: 1, contentType: "text/plain", metadata: {}, modified: "" };
  return Buffer.concat([Buffer.from(`${JSON.stringify(info)}\n`), spoil(bytes)]);
}

function refusal(key: string, code: string): Buffer {
  return Buffer.from(`${JSON.stringify({ key, error: { code, detail: `${key} is refused` } })}\n`);
}

const answerWith =
  (...parts: readonly Buffer[]): Answer =>
  (_request, response: ServerResponse) =>
    void response.end(Buffer.concat(parts));

const good = answerWith(entry("a", "one\n{"), refusal("b", "not_found"), entry("c", ""));
const names = [{ key: "a", ifMatch: "1".repeat(64) }, { key: "b" }, { key: "c" }];

function expectGood(results: Awaited<ReturnType<Client["getMany"]>>): void {
  expect(results.map((one) => (one.ok ? Buffer.from(one.bytes).toString() : one.error.code))).toEqual([
    "one\n{",
    "not_found",
    "",
  ]);
}

describe("getMany", () => {
  it("asks once for all files, and tells each one's content or failure", async () => {
    const { client, servers } = await connect(good);
    expectGood(await client.getMany(names));
    const [request] = servers[0]?.requests ?? [];
    expect(request).toMatchObject({ method: "POST", url: "/v1/bundles/demo" });
    expect(JSON.parse(request?.body.toString() ?? "")).toEqual({ files: names });
  });

  it.each([
    [
      "has wrong bytes",
      answerWith(
        entry("a", "one", () => Buffer.from("eno")),
        refusal("b", "x"),
        entry("c", ""),
      ),
    ],
    ["ends early", answerWith(entry("a", "one\n{"), refusal("b", "not_found"))],
    ["ends within a file", answerWith(entry("a", "one\n{").subarray(0, -2))],
    ["has files that were not asked for", answerWith(entry("a", "one\n{"), entry("c", ""), entry("b", ""))],
    ["goes on", answerWith(entry("a", "one\n{"), refusal("b", "not_found"), entry("c", ""), entry("d", ""))],
    ["is not one", answerWith(Buffer.from("<html>\n"))],
  ] as const)("asks another server when an answer %s", async (_what, bad) => {
    const { client } = await connect(bad, good);
    expectGood(await client.getMany(names));
  });

  it("throws what concerns the whole request, and what an only server does wrong", async () => {
    const { client } = await connect((_request, response) => sendProblem(response, 404, "namespace_not_found", false));
    await expect(client.getMany(names)).rejects.toMatchObject({ code: "namespace_not_found" });
    const spoiled = await connect(answerWith(entry("a", "one", () => Buffer.from("eno"))));
    await expect(spoiled.client.getMany([{ key: "a" }])).rejects.toMatchObject({ code: "digest_mismatch" });
  });

  it("asks nothing for no files", async () => {
    const { client, servers } = await connect(good);
    expect(await client.getMany([])).toEqual([]);
    expect(servers[0]?.requests).toEqual([]);
  });
});
