import type { ServerResponse } from "node:http";
import { KoboldError } from "@koboldfs/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { Client, type ClientOptions } from "./index.js";
import { type Answer, type ArrivedRequest, ScriptedServer, sendProblem } from "./testing/scripted-server.js";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(answer: Answer): Promise<ScriptedServer> {
  const server = await ScriptedServer.start(answer);
  cleanups.push(() => server.kill());
  return server;
}

function connect(servers: readonly ScriptedServer[], options: Partial<ClientOptions> = {}): Client {
  const client = new Client("demo", { servers: servers.map(({ url }) => url), deadlineMs: 5_000, ...options });
  cleanups.push(() => client.close());
  return client;
}

const line = (number: number) =>
  `${JSON.stringify({ number, kind: "put", namespace: "demo", key: `k${number}`, version: number, time: "" })}\n`;
const end = (position: number) => `${JSON.stringify({ position, head: position })}\n`;

function queryOf(request: ArrivedRequest): URLSearchParams {
  return new URL(request.url, "http://any").searchParams;
}

/** A journal of so many puts, two of them in one answer; then it waits. */
const journalOf =
  (last: number): Answer =>
  (request, response) => {
    const asked = queryOf(request).get("after");
    if (asked === null) return void response.end(end(last));
    const after = Number(asked);
    if (after >= last) return void response.write(end(after));
    const upTo = Math.min(after + 2, last);
    response.end(Array.from({ length: upTo - after }, (_, index) => line(after + 1 + index)).join("") + end(upTo));
  };

async function take(changes: AsyncIterable<{ number: number }>, count: number): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { number } of changes) if (numbers.push(number) === count) break;
  return numbers;
}

describe("following changes", () => {
  it("asks each time behind what came, with the namespace, the prefix and a time to wait", async () => {
    const server = await start(journalOf(9));
    expect(await take(connect([server]).changes({ after: 4, prefix: "a/ü" }), 5)).toEqual([5, 6, 7, 8, 9]);
    const queries = server.requests.map((request) => Object.fromEntries(queryOf(request)));
    expect(queries.map(({ after }) => after)).toEqual(["4", "6", "8"]);
    expect(queries[0]).toMatchObject({ namespace: "demo", prefix: "a/ü", wait: "30s" });
  });

  it("begins now without a number, and tells positions also when nothing comes", async () => {
    const server = await start(journalOf(9));
    const positions: number[] = [];
    const leave = new AbortController();
    const onPosition = (number: number) => {
      positions.push(number);
      leave.abort(new Error("enough"));
    };
    const following = take(connect([server]).changes({ onPosition, signal: leave.signal }), 1);
    await expect(following).rejects.toThrow("enough");
    expect(positions).toEqual([9]);
  });

  it("goes on at the next server when one breaks off in the middle, without a gap", async () => {
    let isBroken = false;
    const breaking: Answer = (request, response: ServerResponse, raw) => {
      if (queryOf(request).get("after") !== "2") return journalOf(6)(request, response, raw);
      isBroken = true;
      response.write(line(3));
      setTimeout(() => response.destroy(), 20);
    };
    const [first, second] = [await start(breaking), await start(journalOf(6))];
    expect(await take(connect([first, second]).changes({ after: 0 }), 6)).toEqual([1, 2, 3, 4, 5, 6]);
    expect([isBroken, second.requests.length > 0]).toEqual([true, true]);
  });

  it("takes an answer without its last line for one that broke off", async () => {
    const cut = await start((_request, response) => void response.end(line(1)));
    const whole = await start(journalOf(2));
    expect(await take(connect([cut, whole]).changes({ after: 0 }), 2)).toEqual([1, 2]);
  });

  it("throws changes_gone when the past is gone", async () => {
    const server = await start((_request, response) => sendProblem(response, 410, "changes_gone", false));
    const following = take(connect([server]).changes({ after: 1 }), 1);
    await expect(following).rejects.toMatchObject({ code: "changes_gone" } satisfies Partial<KoboldError>);
  });

  it("ends with the signal's reason, and when the client is closed", async () => {
    const server = await start(journalOf(1));
    const leave = new AbortController();
    const client = connect([server]);
    const first = take(client.changes({ after: 1, signal: leave.signal }), 1);
    const second = take(client.changes({ after: 1 }), 1);
    const ended = Promise.all([
      expect(first).rejects.toThrow("left"),
      expect(second).rejects.toThrow("the client was closed"),
    ]);
    leave.abort(new Error("left"));
    await client.close();
    await ended;
  });

  it("follows all namespaces without naming one", async () => {
    const server = await start(journalOf(2));
    expect(await take(connect([server]).allChanges({ after: 0 }), 2)).toEqual([1, 2]);
    expect(queryOf(server.requests[0]!).has("namespace")).toBe(false);
  });
});
