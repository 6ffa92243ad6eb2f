import type { BatchReply, Problem, TransactionInfo, TransactionReply } from "@koboldfs/protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TestServer } from "./test-server.js";
import { type CallOptions, TwoCallers } from "./test-two-callers.js";

const UNKNOWN = "f".repeat(32);
/** Long enough for a request on a busy machine, short enough to wait for. */
const TTL_MS = 3000;

let callers: TwoCallers;
let test: TestServer;
beforeAll(async () => {
  callers = await TwoCallers.start();
  test = callers.test;
});
afterAll(() => callers.close());

let name = "";
let count = 0;
beforeEach(async () => {
  count += 1;
  name = `refused-${count}`;
  await call("PUT", `/v1/namespaces/${name}`, { json: {} });
  await call("PUT", file("old"), { body: "old" });
});

const call = (method: string, path: string, options?: CallOptions) => callers.call(method, path, options);
const file = (key: string) => `/v1/files/${name}/${key}`;
const finish = (tx: string, step: string, as: CallOptions["as"] = "mine") =>
  call("POST", `/v1/transactions/${tx}/${step}`, { as });

async function begin(json: object = {}): Promise<string> {
  return (await call("POST", "/v1/transactions", { json })).json<TransactionInfo>().id;
}

/** One that has staged a new file, and another content for an old one. */
async function beginAndStage(json: object = {}): Promise<string> {
  const tx = await begin(json);
  for (const key of ["new", "old"]) expect((await call("PUT", file(key), { tx, body: key + key })).status).toBe(202);
  return tx;
}

/** Everything that a transaction can be asked for, but for its end, and what came of each. */
async function tryEverything(tx: string, as: CallOptions["as"] = "mine"): Promise<Record<string, string>> {
  const codeOf = async (reply: ReturnType<typeof call>) => {
    const { status, text } = await reply;
    return status < 300 ? "ok" : `${status} ${(JSON.parse(text) as Problem).code}`;
  };
  const operations = [{ op: "copy", from: "old", to: "copied" }];
  const batch = await call("POST", `/v1/files/${name}`, { tx, as, json: { operations } });
  const [copied] =
    batch.status < 300 ? batch.json<BatchReply>().results : [{ ok: false, error: batch.json<Problem>() }];
  const head = await call("HEAD", file("new"), { tx, as });
  return {
    put: await codeOf(call("PUT", file("other"), { tx, as, body: "other" })),
    again: await codeOf(call("PUT", file("new"), { tx, as, body: "another" })),
    remove: await codeOf(call("DELETE", file("old"), { tx, as })),
    copy: copied?.ok ? "ok" : `${copied?.error?.status} ${copied?.error?.code}`,
    get: await codeOf(call("GET", file("new"), { tx, as })),
    head: head.status < 300 ? "ok" : `${head.status}`,
    list: await codeOf(call("GET", `/v1/files/${name}`, { tx, as })),
  };
}

/** As `tryEverything`, when all of it is answered in the same way. */
function all(answer: string): Record<string, string> {
  const ways = ["put", "again", "remove", "copy", "get", "list"].map((way) => [way, answer]);
  return { ...Object.fromEntries(ways), head: answer.split(" ")[0] };
}

/** All that a refusal must leave as it is: the journal, what everybody sees, and the transaction with what it staged. */
async function look(tx: string) {
  const files = (await call("GET", `/v1/files/${name}`)).json<{ files: object[] }>();
  const { expires: _, ...shown } = (await call("GET", `/v1/transactions/${tx}`)).json<TransactionReply>();
  return { head: await test.catalog.head(), files, shown, namespace: await test.catalog.findNamespace(name as never) };
}

const codeOf = async (reply: ReturnType<typeof call>) => (await reply).problem.join(" ");

describe("nothing changes when a transaction", () => {
  it.each([UNKNOWN, `bookshop-${UNKNOWN}`, "nonsense", "%27%20or%201=1"])("is unknown: %s", async (tx) => {
    const before = await look(UNKNOWN);
    expect(await tryEverything(decodeURIComponent(tx))).toEqual(all("404 transaction_not_found"));
    for (const step of ["prepare", "commit", "abort"]) {
      expect(await codeOf(finish(tx, step))).toBe("404 transaction_not_found");
    }
    expect(await codeOf(call("GET", `/v1/transactions/${tx}`))).toBe("404 transaction_not_found");
    expect(await look(UNKNOWN)).toEqual(before);
  });

  it.each([
    ["committed", "commit", ["prepare", "abort"]],
    ["aborted", "abort", ["prepare", "commit"]],
  ])("is %s", async (state, end, others) => {
    const tx = await beginAndStage();
    const ended = (await finish(tx, end)).json<TransactionInfo>();
    expect(ended.state).toBe(state);
    const before = await look(tx);
    expect(await tryEverything(tx)).toEqual(all("409 transaction_finished"));
    for (const step of others) expect(await codeOf(finish(tx, step))).toBe("409 transaction_finished");
    expect((await finish(tx, end)).json()).toEqual(ended);
    expect(await look(tx)).toEqual(before);
  });

  it("is another token's, open or prepared", async () => {
    const tx = await beginAndStage();
    for (const state of ["open", "prepared"]) {
      const before = await look(tx);
      expect(before.shown).toMatchObject({ state, changes: 2 });
      expect(await tryEverything(tx, "theirs")).toEqual(all("403 transaction_not_yours"));
      for (const step of ["prepare", "commit", "abort"]) {
        expect(await codeOf(finish(tx, step, "theirs"))).toBe("403 transaction_not_yours");
      }
      expect(await look(tx)).toEqual(before);
      if (state === "open") await finish(tx, "prepare");
    }
    expect((await finish(tx, "commit")).json()).toMatchObject({ state: "committed", changes: 2 });
  });

  it("has expired", async () => {
    const tx = await beginAndStage({ ttlMs: TTL_MS });
    const list = () => test.catalog.listExpiredTransactions(100);
    await expect.poll(async () => (await list()).map(({ id }) => id), { timeout: 10 * TTL_MS }).toContain(tx);
    const before = await look(tx);
    expect(before.shown.state).toBe("open");
    expect(await tryEverything(tx)).toEqual(all("410 transaction_expired"));
    for (const step of ["prepare", "commit"]) expect(await codeOf(finish(tx, step))).toBe("410 transaction_expired");
    expect(await look(tx)).toEqual(before);
    expect((await finish(tx, "abort")).json()).toMatchObject({ state: "aborted", reason: "expired" });
    expect(await look(tx)).toMatchObject({ head: before.head, files: before.files, shown: { staged: [] } });
    expect((await call("PUT", file("new"), { body: "mine" })).status).toBe(201);
  });

  it("is prepared and is told to stage more, while it can be read", async () => {
    const tx = await beginAndStage();
    await finish(tx, "prepare");
    const before = await look(tx);
    expect(before.shown).toMatchObject({ state: "prepared", changes: 2, staged: [{ key: "new" }, { key: "old" }] });
    const staging = "409 transaction_prepared";
    expect(await tryEverything(tx)).toEqual({
      ...all("ok"),
      put: staging,
      again: staging,
      remove: staging,
      copy: staging,
    });
    expect(await look(tx)).toEqual(before);
    await finish(tx, "commit");
    expect((await call("GET", file("new"))).text).toBe("newnew");
  });

  it("stages a key for the second time against its precondition", async () => {
    const tx = await begin();
    expect((await call("PUT", file("new"), { tx, body: "one", headers: { "if-none-match": "*" } })).status).toBe(202);
    const before = await look(tx);
    const again = (headers: Record<string, string>) => call("PUT", file("new"), { tx, body: "two", headers });
    expect(await codeOf(again({ "if-none-match": "*" }))).toBe("412 precondition_failed");
    expect(await codeOf(again({ "if-match": `"${"0".repeat(64)}"` }))).toBe("412 precondition_failed");
    expect(await look(tx)).toEqual(before);
    await finish(tx, "commit");
    expect((await call("GET", file("new"))).text).toBe("one");
  });

  it("would stage too many bytes, whether it says so before or not, and whether they are new or instead of others", async () => {
    const tx = await beginAndStage();
    const before = await look(tx);
    const chunked = { "transfer-encoding": "chunked" };
    for (const [key, headers] of [
      ["more", {}],
      ["more", chunked],
      ["old", chunked],
    ] as const) {
      const put = call("PUT", file(key), { tx, headers, body: "x".repeat(1001) });
      expect([await codeOf(put), key]).toEqual(["413 transaction_too_large", key]);
    }
    expect(await look(tx)).toEqual(before);
    await finish(tx, "abort");
  });

  it("would stage more than its namespace may hold for all of them", async () => {
    const [one, two] = [await begin(), await beginAndStage()];
    await call("PUT", file("large"), { tx: one, body: "x".repeat(1000) });
    const before = [await look(one), await look(two)];
    for (const headers of [{}, { "transfer-encoding": "chunked" }]) {
      const put = call("PUT", file("more"), { tx: two, headers, body: "x".repeat(500) });
      expect(await codeOf(put)).toBe("503 staging_full");
    }
    expect([await look(one), await look(two)]).toEqual(before);
    for (const tx of [one, two]) await finish(tx, "abort");
  });
});

describe("a prepared transaction", () => {
  it("keeps others from dropping its namespace, where it holds a key that there is not, until it ends", async () => {
    const empty = `/v1/namespaces/empty-${count}`;
    const drop = () => call("DELETE", empty);
    await call("PUT", empty, { json: {} });
    const tx = await begin();
    await call("PUT", `/v1/files/empty-${count}/absent`, { tx, body: "1" });
    await finish(tx, "prepare");
    const before = await test.catalog.head();
    const refused = await drop();
    expect([...refused.problem, refused.headers["retry-after"]]).toEqual([409, "key_locked", "1"]);
    expect(refused.json<Problem>().detail).toContain(
      `absent in empty-${count} is held by the prepared transaction ${tx}`,
    );
    expect(await test.catalog.head()).toEqual(before);
    expect((await call("GET", empty)).json()).toMatchObject({ files: 0 });
    await finish(tx, "abort");
    expect((await drop()).status).toBe(204);
    expect((await call("GET", empty)).problem).toEqual([404, "namespace_not_found"]);
  });

  it("keeps others from restoring or purging what it holds, and from nothing beside it", async () => {
    const { version } = (await call("PUT", file("d/held"), { body: "1" })).json<{ version: number }>();
    for (const key of ["d/held", "e/free"]) await call("PUT", file(key), { body: "2" });
    const tx = await begin();
    await call("DELETE", file("d/held"), { tx });
    await finish(tx, "prepare");
    const restore = (prefix: string) =>
      call("POST", `/v1/restores/${name}`, { json: { prefix, asOf: String(version) } });
    const purge = (key: string) => call("POST", `/v1/purges/${name}`, { json: { key } });
    const before = await look(tx);
    for (const refused of [await restore(""), await restore("d/"), await purge("d/held")]) {
      expect([...refused.problem, refused.headers["retry-after"]]).toEqual([409, "key_locked", "1"]);
    }
    expect(await look(tx)).toEqual(before);
    expect([(await restore("e/")).status, (await purge("old")).status]).toEqual([200, 200]);
    await finish(tx, "abort");
    expect([(await restore("d/")).status, (await call("GET", file("d/held"))).text]).toEqual([200, "1"]);
  });
});
