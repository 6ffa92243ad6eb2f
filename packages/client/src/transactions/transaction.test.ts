import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { Client, TransactionalClientPool } from "../index.js";
import { type Answer, ScriptedServer, sendJson, sendProblem } from "../testing/scripted-server.js";

const ID = "0123456789abcdef0123456789abcdef";
const INFO = { id: ID, begun: "2026-01-31T12:00:00.000Z", ttlMs: 600_000, changes: 1, bytes: 1 };
const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Answers the routes of a transaction as a script says, and notes what was asked of it. */
interface Script {
  readonly commit?: (count: number, response: ServerResponse) => void;
  readonly state?: () => string;
  /** What answers inside of the transaction say of its changes. */
  readonly steps?: number;
}

async function open({ commit, state = () => "open", steps }: Script) {
  const asked: string[] = [];
  const bodies: string[] = [];
  let commits = 0;
  const answer: Answer = (request, response) => {
    const name = `${request.method} ${request.url?.replace(`/v1/transactions/${ID}`, "ID")}`;
    if (request.method === "POST") bodies.push(request.body.toString());
    if (steps !== undefined && request.headers["koboldfs-transaction"] !== undefined) {
      response.setHeader("koboldfs-steps", steps);
    }
    asked.push(`${name}${request.headers["koboldfs-transaction"] === undefined ? "" : " in it"}`);
    if (request.url === "/v1/transactions") return sendJson(response, 201, { ...INFO, state: "open" });
    if (request.url?.endsWith("/commit") && commit !== undefined) {
      commits += 1;
      return commit(commits, response);
    }
    if (request.url?.startsWith("/v1/transactions/"))
      return sendJson(response, 200, { ...INFO, state: state(), staged: [] });
    return sendJson(response, 200, { files: [], prefixes: [] });
  };
  const server = await ScriptedServer.start(answer);
  cleanups.push(() => server.kill());
  const options = { servers: [server.url], deadlineMs: 300, responseTimeoutMs: 3000 };
  const client = new Client("demo", options);
  const pool = new TransactionalClientPool({ ...options, twoPhase: true });
  cleanups.push(() => client.close());
  cleanups.push(() => pool.close());
  return { client, pool, asked, bodies };
}

async function listIn(files: { list(): AsyncIterable<unknown> }): Promise<void> {
  for await (const _ of files.list()) throw new Error("there are no files");
}

const LIST = "GET /v1/files/demo?limit=1000";

describe("a transaction of the client", () => {
  it("commits when the work returns, and answers what that returned", async () => {
    const { client, asked } = await open({});
    expect(await client.transaction(async (tx) => listIn(tx.files).then(() => "done"))).toBe("done");
    expect(asked).toEqual(["POST /v1/transactions", `${LIST} in it`, "POST ID/commit"]);
  });

  it("says with prepare and commit how many changes it was told of", async () => {
    const { client, bodies } = await open({ steps: 7 });
    const tx = await client.begin();
    await listIn(tx.files);
    await tx.prepare();
    await tx.commit();
    await tx.commit();
    expect(bodies.slice(1)).toEqual(['{"steps":7}', '{"steps":7}', "{}"]);
  });

  it("aborts when the work throws, and throws that", async () => {
    const { client, asked } = await open({});
    await expect(client.transaction(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(asked).toEqual(["POST /v1/transactions", "POST ID/abort"]);
  });

  it("aborts when the commit is refused, and throws the refusal", async () => {
    const { client, asked } = await open({
      commit: (_count, response) => sendProblem(response, 409, "transaction_conflict", false),
    });
    await expect(client.transaction(async () => {})).rejects.toMatchObject({ code: "transaction_conflict" });
    expect(asked.slice(1)).toEqual(["POST ID/commit", "POST ID/abort"]);
  });

  it("asks again for a commit whose answer was lost", async () => {
    const { client } = await open({
      commit: (count, response) => {
        if (count === 1) response.destroy();
        else sendJson(response, 200, { ...INFO, state: "committed", version: 7 });
      },
    });
    const tx = await client.begin();
    expect(await tx.commit()).toMatchObject({ state: "committed", version: 7 });
  });

  it("asks what became of it when no commit is answered, and believes that", async () => {
    const { client } = await open({ commit: (_count, response) => void response.destroy(), state: () => "committed" });
    expect(await client.transaction(async () => "done")).toBe("done");
  });

  it("says that it is in doubt, and aborts nothing, when nobody can tell what became of it", async () => {
    const { client, asked } = await open({ commit: (_count, response) => void response.destroy() });
    await expect(client.transaction(async () => {})).rejects.toMatchObject({ code: "transaction_in_doubt" });
    expect(asked).toContain("GET ID");
    expect(asked).not.toContain("POST ID/abort");
  });

  it("prepares before it decides, and aborts when the decision throws", async () => {
    const { client, asked } = await open({});
    const decided: string[] = [];
    await client.transaction(async () => {}, { decide: async (id) => void decided.push(id) });
    expect([decided, asked.slice(1)]).toEqual([[ID], ["POST ID/prepare", "POST ID/commit"]]);
    const refused = client.transaction(async () => {}, { decide: () => Promise.reject(new Error("no")) });
    await expect(refused).rejects.toThrow("no");
    expect(asked.slice(-2)).toEqual(["POST ID/prepare", "POST ID/abort"]);
  });
});

describe("a transactional pool", () => {
  it("lets code that knows only the pool join the transaction of its caller, and nobody else", async () => {
    const { pool, asked } = await open({});
    const files = pool.client("demo");
    let release = () => {};
    const paused = new Promise<void>((resolve) => {
      release = resolve;
    });
    const running = pool.transaction(async () => {
      await listIn(files);
      await paused;
      await listIn(files);
    });
    await listIn(files);
    release();
    await running;
    expect(asked.filter((one) => one.startsWith(LIST)).sort()).toEqual([LIST, `${LIST} in it`, `${LIST} in it`]);
    expect(asked.slice(-2)).toEqual(["POST ID/prepare", "POST ID/commit"]);
    await listIn(files);
    expect(asked.at(-1)).toBe(LIST);
  });

  it("has one transaction however deep it is nested, and commits none of it when any part threw", async () => {
    const { pool, asked } = await open({});
    await pool.transaction(async (outer) => {
      await pool.transaction(async (inner) => expect(inner).toBe(outer));
      expect(pool.current).toBe(outer);
    });
    expect(asked.filter((one) => one === "POST /v1/transactions")).toHaveLength(1);
    const hidden = pool.transaction(async () => {
      await pool.transaction(() => Promise.reject(new Error("part"))).catch(() => {});
    });
    await expect(hidden).rejects.toThrow("part");
    expect(asked.at(-1)).toBe("POST ID/abort");
    expect(pool.current).toBeUndefined();
  });
});
