import { once } from "node:events";
import { get as httpGet, type IncomingMessage } from "node:http";
import type { ChangeInfo, ChangePosition, NamespaceName } from "@koboldfs/protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { send } from "../raw-client.js";
import { startTestServer, type TestServer } from "../test-server.js";

let test: TestServer;
beforeAll(async () => {
  test = await startTestServer();
});
afterAll(() => test.close());

let name = "";
let count = 0;
beforeEach(async () => {
  count += 1;
  name = `feed-${count}`;
  await call("PUT", `/v1/namespaces/${name}`, "{}");
});

async function call(method: string, path: string, body?: string, headers: Record<string, string> = {}) {
  const type = { "content-type": "application/json" };
  return send(test.port, { method, path, headers: { ...type, ...headers }, ...(body !== undefined && { body }) });
}

async function put(key: string, body = key, headers: Record<string, string> = {}): Promise<number> {
  const reply = await call("PUT", `/v1/files/${name}/${encodeURI(key)}`, body, headers);
  return reply.json<{ version: number }>().version;
}

const batch = (...operations: object[]) => call("POST", `/v1/files/${name}`, JSON.stringify({ operations }));
const head = async () => (await test.catalog.head()).number;

interface Answer {
  readonly changes: ChangeInfo[];
  readonly positions: ChangePosition[];
}

function parseLines(text: string): Answer {
  const lines = text.split("\n").filter(Boolean);
  const documents = lines.map((line) => JSON.parse(line) as ChangeInfo | ChangePosition);
  return {
    changes: documents.filter((line): line is ChangeInfo => "kind" in line),
    positions: documents.filter((line): line is ChangePosition => "position" in line),
  };
}

async function changes(query: string): Promise<Answer & { next: number }> {
  const answer = parseLines((await call("GET", `/v1/changes?${query}`)).text);
  return { ...answer, next: answer.positions.at(-1)!.position };
}

const kinds = ({ changes: all }: Answer) => all.map(({ kind, key }) => `${kind} ${key}`);

/** A running answer: what came so far, and a way to leave. */
async function openStream(query: string, headers: Record<string, string> = {}) {
  const request = httpGet({ port: test.port, path: `/v1/changes?${query}`, headers });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.setEncoding("utf8");
  let text = "";
  response.on("data", (piece: string) => {
    text += piece;
  });
  const until = async (pattern: RegExp) => {
    while (!pattern.test(text)) await once(response, "data");
    return text;
  };
  return { response, until, ended: once(response, "end").then(() => text), leave: () => response.destroy() };
}

describe("the changes of a namespace", () => {
  it("say everything of a put, and the key and number of a delete", async () => {
    const after = await head();
    const version = await put("a b", "12345", { "content-type": "text/plain", "koboldfs-meta-author": "me" });
    await call("DELETE", `/v1/files/${name}/a%20b`);
    const { changes: all, positions } = await changes(`namespace=${name}&after=${after}`);
    expect(all).toEqual([
      {
        ...{ number: version, kind: "put", namespace: name, key: "a b", version, size: 5, contentType: "text/plain" },
        ...{ digest: expect.stringMatching(/^[0-9a-f]{64}$/), metadata: { author: "me" }, time: expect.any(String) },
      },
      {
        number: version + 1,
        kind: "delete",
        namespace: name,
        key: "a b",
        version: version + 1,
        time: expect.any(String),
      },
    ]);
    expect(positions).toEqual([{ position: version + 1, head: version + 1 }]);
  });

  it("show copy, restore and undelete as puts, a rename as a put and a delete, a purge as what is gone", async () => {
    const first = await put("a", "one");
    await put("a", "two");
    const after = await head();
    await batch({ op: "copy", from: "a", to: "b" }, { op: "rename", from: "b", to: "c" });
    await batch({ op: "restore", key: "a", version: first });
    await batch({ op: "delete", key: "c" }, { op: "undelete", key: "c" });
    await call("POST", `/v1/purges/${name}`, JSON.stringify({ key: "a", version: first }));
    const answer = await changes(`namespace=${name}&after=${after}`);
    expect(kinds(answer)).toEqual(["put b", "put c", "delete b", "put a", "delete c", "put c", "purge a"]);
    expect(answer.changes.at(-1)).toMatchObject({ version: first, digest: expect.any(String) });
  });

  it("are filtered by prefix, with a position that passes over everything else", async () => {
    const after = await head();
    await put("x/1");
    await put("y/1");
    await put("x/2");
    await put("y/2");
    const answer = await changes(`namespace=${name}&prefix=x%2F&after=${after}`);
    expect(kinds(answer)).toEqual(["put x/1", "put x/2"]);
    expect(answer.next).toBe(after + 4);
    expect(await changes(`namespace=${name}&prefix=none&after=${after}`)).toMatchObject({
      changes: [],
      next: after + 4,
    });
  });

  it("come in pieces of any limit without a gap or a repetition, also out of the middle of one commit", async () => {
    const after = await head();
    for (let index = 0; index < 3; index += 1) await put(`k${index}`);
    await batch(...[0, 1, 2].map((index) => ({ op: "copy", from: `k${index}`, to: `c${index}` })));
    const whole = (await changes(`namespace=${name}&after=${after}`)).changes.map(({ number }) => number);
    expect(whole).toHaveLength(6);
    for (const limit of [1, 2, 4, 5]) {
      const seen: number[] = [];
      for (let from = after; ; ) {
        const page = await changes(`namespace=${name}&after=${from}&limit=${limit}`);
        if (page.changes.length === 0) break;
        seen.push(...page.changes.map(({ number }) => number));
        from = page.next;
      }
      expect(seen).toEqual(whole);
    }
  });

  it("begin now when nobody says where, and of the whole cluster without a namespace", async () => {
    await put("before");
    const { changes: none, next } = await changes("");
    expect([none, next]).toEqual([[], await head()]);
    await put("behind");
    expect((await changes(`after=${next}`)).changes).toMatchObject([{ namespace: name, key: "behind" }]);
  });

  it("begin at 0 too, since nothing of this namespace is gone", async () => {
    await put("only");
    expect(kinds(await changes(`namespace=${name}&after=0`))).toEqual(["put only"]);
  });

  it("are changes_gone with the way to resync when the horizon has passed, there and only there", async () => {
    const first = await put("a", "one");
    await put("a", "two");
    const horizon = await head();
    await test.catalog.commit({ kind: "move-horizon", namespace: name as NamespaceName, horizon });
    for (const query of [`namespace=${name}&after=${first}`, `after=${first}`]) {
      const reply = await call("GET", `/v1/changes?${query}`);
      expect(reply.problem).toEqual([410, "changes_gone"]);
      expect(reply.json<{ detail: string }>().detail).toContain(`list the files as of ${await head()}`);
    }
    expect((await changes(`namespace=${name}&after=${horizon}`)).changes).toEqual([]);
  });

  it.each(["after=x", "limit=0", "limit=1001", "wait=1h", "wait=6m", "since=1", "after=1&after=2"])(
    "are refused for %s",
    async (query) => {
      expect((await call("GET", `/v1/changes?${query}`)).problem).toEqual([400, "invalid_request"]);
    },
  );

  it("are refused beyond the end of the journal, and for a namespace that is not there", async () => {
    const beyond = await call("GET", `/v1/changes?after=${(await head()) + 1000}`);
    expect(beyond.problem).toEqual([400, "invalid_request"]);
    const unknown = await call("GET", "/v1/changes?namespace=nothing&after=0");
    expect(unknown.problem).toEqual([404, "namespace_not_found"]);
  });
});

describe("waiting for changes", () => {
  it("ends with the first one as soon as it is committed", async () => {
    const after = await head();
    const startMs = performance.now();
    const waiting = changes(`namespace=${name}&after=${after}&wait=30s`);
    const version = await put("late");
    expect(await waiting).toMatchObject({ changes: [{ key: "late" }], next: version });
    expect(performance.now() - startMs).toBeLessThan(5000);
  });

  it("goes on while only others' changes come, and ends in time with a position behind them", async () => {
    const after = await head();
    const waiting = changes(`namespace=${name}&prefix=mine&after=${after}&wait=300ms`);
    const version = await put("theirs");
    expect(await waiting).toMatchObject({ changes: [], next: version });
  });

  it("takes no place from those who work, and is bounded itself", async () => {
    const full = await startTestServer({ http: { maxRunning: 2 } });
    const path = "/v1/changes?wait=30s";
    const leave = new AbortController();
    const waiting = [1, 2].map(() => fetch(`${full.url}${path}`, { signal: leave.signal }));
    await Promise.all(waiting);
    expect((await send(full.port, { path })).problem).toEqual([503, "overloaded"]);
    expect((await send(full.port, { path: "/v1/namespaces" })).status).toBe(200);
    leave.abort();
    await full.close();
  });

  it("ends with a position when the node stops", async () => {
    const stopping = await startTestServer();
    // Its head is sent before anything happens: from then on it waits.
    const waiting = await fetch(`${stopping.url}/v1/changes?wait=5m`);
    await stopping.server.stop();
    expect(parseLines(await waiting.text()).positions).toHaveLength(1);
    await stopping.close();
  });
});

describe("changes as server-sent events", () => {
  const accept = { accept: "text/event-stream" };

  it("come as they happen, each with its number as its id", async () => {
    const stream = await openStream(`namespace=${name}`, accept);
    expect(stream.response.headers["content-type"]).toBe("text/event-stream");
    const first = await put("a");
    await stream.until(/"key":"a"/);
    const second = await put("b");
    const text = await stream.until(/"key":"b"[^\n]*\n\n/);
    const events = text.split("\n\n").filter((event) => event.startsWith("event: change"));
    expect(events.map((event) => /\nid: (\d+)\n/.exec(event)?.[1])).toEqual([String(first), String(second)]);
    stream.leave();
  });

  it("resume behind Last-Event-ID, whatever the URL said", async () => {
    const after = await head();
    const first = await put("a");
    await put("b");
    const headers = { ...accept, "last-event-id": String(first) };
    const stream = await openStream(`namespace=${name}&after=${after}&limit=1`, headers);
    const text = await stream.ended;
    expect(text).toContain('"key":"b"');
    expect(text).not.toContain('"key":"a"');
  });

  it("end after a time or a number of changes that was asked for, with the position", async () => {
    const stream = await openStream(`namespace=${name}&wait=50ms`, accept);
    expect(await stream.ended).toMatch(new RegExp(`event: position\\nid: ${await head()}\\n`));
  });
});

describe("a reader that does not read", () => {
  it("holds up nobody, and gets everything in the end", async () => {
    const after = await head();
    const big = { "koboldfs-meta-text": "x".repeat(7000) };
    await put("big", "1", big);
    for (let round = 0; round < 20; round += 1) {
      await batch(...Array.from({ length: 50 }, (_, index) => ({ op: "copy", from: "big", to: `${round}-${index}` })));
    }
    const stream = await openStream(`namespace=${name}&after=${after}&limit=1000`);
    stream.response.pause();
    await put("meanwhile");
    stream.response.resume();
    const { changes: all, positions } = parseLines(await stream.ended);
    expect(all.map(({ number }) => number)).toEqual(Array.from({ length: 1000 }, (_, index) => after + 1 + index));
    expect(positions.at(-1)?.position).toBe(after + 1000);
  });
});
