import type { Problem, TransactionInfo, TransactionListReply, TransactionReply } from "@koboldfs/protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type CallOptions, TwoCallers } from "./test-two-callers.js";

let callers: TwoCallers;
beforeAll(async () => {
  callers = await TwoCallers.start();
});
afterAll(() => callers.close());

let name = "";
let count = 0;
beforeEach(async () => {
  count += 1;
  name = `tx-${count}`;
  await call("PUT", `/v1/namespaces/${name}`, { body: "{}" });
});

/** Files have this type too: nobody looks at it. */
function call(method: string, path: string, options: CallOptions = {}) {
  const type = options.body === undefined ? {} : { "content-type": "application/json" };
  return callers.call(method, path, { ...options, headers: { ...type, ...options.headers } });
}

const file = (key: string) => `/v1/files/${name}/${key}`;
const put = (key: string, body: string, options: CallOptions = {}) => call("PUT", file(key), { body, ...options });

async function begin(body?: object): Promise<string> {
  const reply = await call("POST", "/v1/transactions", body === undefined ? {} : { body: JSON.stringify(body) });
  expect(reply.status).toBe(201);
  return reply.json<TransactionInfo>().id;
}

const finish = (id: string, step: string, options: CallOptions = {}) =>
  call("POST", `/v1/transactions/${id}/${step}`, options);

async function problemOf(reply: ReturnType<typeof call>): Promise<[number, string]> {
  const { status, code } = (await reply).json<Problem>();
  return [status, code];
}

async function listKeys(tx?: string): Promise<string[]> {
  const reply = await call("GET", `/v1/files/${name}`, tx === undefined ? {} : { tx });
  return reply.json<{ files: { key: string }[] }>().files.map(({ key }) => key);
}

describe("a transaction", () => {
  it("keeps what is put and deleted in it to itself until it commits, then shows all of it", async () => {
    await put("old", "old");
    const tx = await begin();
    const staged = await put("new", "fresh", { tx });
    expect([staged.status, staged.headers["koboldfs-version"], staged.headers["koboldfs-steps"]]).toEqual([
      ...[202, undefined, "1"],
    ]);
    expect(staged.json()).toMatchObject({ size: 5, version: 0, copies: 2, wanted: 2 });
    const deleted = await call("DELETE", file("old"), { tx });
    expect([deleted.status, deleted.headers["koboldfs-steps"]]).toEqual([204, "2"]);
    const tooMany = finish(tx, "commit", { body: '{"steps":3}' });
    expect(await problemOf(tooMany)).toEqual([409, "transaction_conflict"]);
    expect([await listKeys(), await listKeys(tx)]).toEqual([["old"], ["new"]]);
    expect((await call("GET", file("new"), { tx })).text).toBe("fresh");
    expect((await call("HEAD", file("new"), { tx })).headers["content-length"]).toBe("5");
    expect((await call("GET", file("new"))).status).toBe(404);
    expect((await call("GET", file("old"), { tx })).status).toBe(404);
    const done = await finish(tx, "commit");
    const info = done.json<TransactionInfo>();
    expect(info).toMatchObject({ id: tx, state: "committed", changes: 2, bytes: 5 });
    expect(await listKeys()).toEqual(["new"]);
    expect((await call("GET", `${file("new")}?as-of=${info.version}`)).text).toBe("fresh");
  });

  it("stages batches too, each operation decided against what it sees", async () => {
    await put("a", "1");
    const tx = await begin();
    await put("b", "2", { tx });
    const operations = [
      { op: "rename", from: "a", to: "c" },
      { op: "copy", from: "b", to: "d" },
      { op: "delete", key: "nothing" },
    ];
    const reply = await call("POST", `/v1/files/${name}`, { tx, body: JSON.stringify({ operations }) });
    expect(reply.headers["koboldfs-steps"]).toBe("3");
    expect(reply.json<{ results: { ok: boolean }[] }>().results.map(({ ok }) => ok)).toEqual([true, true, false]);
    expect([await listKeys(), await listKeys(tx)]).toEqual([["a"], ["b", "c", "d"]]);
    await finish(tx, "commit");
    expect(await listKeys()).toEqual(["b", "c", "d"]);
  });

  it("may stage a key twice: the last word counts, and the first precondition", async () => {
    await put("a", "old");
    const tx = await begin();
    const tag = { headers: { "if-match": `"${(await call("HEAD", file("a"))).headers["etag"]?.slice(1, -1)}"` } };
    await put("a", "one", { tx, ...tag });
    expect(await problemOf(put("a", "no", { tx, ...tag }))).toEqual([412, "precondition_failed"]);
    await put("a", "two", { tx });
    await put("a", "meanwhile");
    expect(await problemOf(finish(tx, "commit"))).toEqual([409, "transaction_conflict"]);
    const again = await begin();
    await put("a", "three", { tx: again });
    await put("a", "four", { tx: again });
    expect((await finish(again, "commit")).json<TransactionInfo>().changes).toBe(1);
    expect((await call("GET", file("a"))).text).toBe("four");
  });

  it("is listed and shown with what it has staged", async () => {
    const tx = await begin({ ttlMs: 60_000 });
    await put("a", "12345", { tx });
    const shown = (await call("GET", `/v1/transactions/${tx}`)).json<TransactionReply>();
    expect(shown).toMatchObject({ id: tx, state: "open", ttlMs: 60_000, changes: 1, bytes: 5 });
    expect(shown.staged).toMatchObject([{ namespace: name, key: "a", kind: "put", size: 5 }]);
    const open = (await call("GET", "/v1/transactions?state=open&limit=1000")).json<TransactionListReply>();
    expect(open.transactions.map(({ id }) => id)).toContain(tx);
    await finish(tx, "abort");
  });

  it("is begun once when the request comes twice under one idempotency key", async () => {
    const headers = { "idempotency-key": "begin-once" };
    const [one, two] = [
      await call("POST", "/v1/transactions", { headers }),
      await call("POST", "/v1/transactions", { headers }),
    ];
    expect(one.json<TransactionInfo>().id).toBe(two.json<TransactionInfo>().id);
  });

  it("has an id that begins with its coordinator, if it has one", async () => {
    const tx = await begin({ coordinator: "bookshop7" });
    expect(tx).toMatch(/^bookshop7-[0-9a-f]{32}$/);
    await put("a", "1", { tx });
    expect((await finish(tx, "prepare")).json()).toMatchObject({ id: tx, state: "prepared" });
    expect((await finish(tx, "commit")).json()).toMatchObject({ id: tx, state: "committed" });
    expect((await call("GET", file("a"))).text).toBe("1");
    const headers = { "idempotency-key": "begin-with-coordinator" };
    const body = (coordinator: string) => ({ headers, body: JSON.stringify({ coordinator }) });
    const ids = [];
    for (let times = 0; times < 2; times += 1) {
      ids.push((await call("POST", "/v1/transactions", body("mine"))).json<TransactionInfo>().id);
    }
    expect(ids[0]).toBe(ids[1]);
    const other = call("POST", "/v1/transactions", body("yours"));
    expect(await problemOf(other)).toEqual([422, "idempotency_key_reused"]);
  });

  it("holds its keys when it is prepared, while reads go on and are told of it", async () => {
    await put("old", "old");
    const tx = await begin();
    await put("old", "next", { tx });
    await put("absent", "next", { tx });
    expect((await call("GET", file("old"))).headers["koboldfs-transaction"]).toBeUndefined();
    expect((await finish(tx, "prepare")).json()).toMatchObject({ state: "prepared" });
    const read = await call("GET", file("old"));
    expect([read.text, read.headers["koboldfs-transaction"]]).toEqual(["old", tx]);
    const missing = await call("GET", file("absent"));
    expect([missing.status, missing.headers["koboldfs-transaction"]]).toEqual([404, tx]);
    const refused = await put("absent", "mine");
    expect([refused.status, refused.json<Problem>().code, refused.headers["retry-after"]]).toEqual([
      409,
      "key_locked",
      "1",
    ]);
    expect((await call("GET", file("absent"), { tx })).text).toBe("next");
    expect((await finish(tx, "commit")).json()).toMatchObject({ state: "committed" });
    expect((await call("GET", file("absent"))).text).toBe("next");
  });
});

describe("a request of a transaction that cannot go on", () => {
  it.each(["prepare", "commit", "abort"])("is refused for an unknown id: %s", async (step) => {
    expect(await problemOf(finish("0".repeat(32), step))).toEqual([404, "transaction_not_found"]);
    expect(await problemOf(finish("nonsense", step))).toEqual([404, "transaction_not_found"]);
  });

  it("is refused before its body when the id is unknown, finished or prepared, and nothing changes", async () => {
    expect(await problemOf(put("a", "1", { tx: "f".repeat(32) }))).toEqual([404, "transaction_not_found"]);
    const done = await begin();
    await finish(done, "commit");
    expect(await problemOf(put("a", "1", { tx: done }))).toEqual([409, "transaction_finished"]);
    expect(await problemOf(call("GET", file("a"), { tx: done }))).toEqual([409, "transaction_finished"]);
    expect(await problemOf(finish(done, "abort"))).toEqual([409, "transaction_finished"]);
    const prepared = await begin();
    await finish(prepared, "prepare");
    expect(await problemOf(put("a", "1", { tx: prepared }))).toEqual([409, "transaction_prepared"]);
    expect(await problemOf(call("DELETE", file("a"), { tx: prepared }))).toEqual([409, "transaction_prepared"]);
    await finish(prepared, "abort");
    expect(await listKeys()).toEqual([]);
  });

  it("is refused when it was not used in time, and what it staged is gone", async () => {
    const tx = await begin({ ttlMs: 1000 });
    await put("a", "1", { tx });
    // What is refused is no use: it puts nothing off.
    const remove = async () => (await problemOf(call("DELETE", file("nothing"), { tx })))[1];
    expect(await remove()).toBe("not_found");
    await expect.poll(remove, { timeout: 10_000 }).toBe("transaction_expired");
    expect(await problemOf(call("GET", file("a"), { tx }))).toEqual([410, "transaction_expired"]);
    expect(await problemOf(put("b", "1", { tx }))).toEqual([410, "transaction_expired"]);
    expect(await problemOf(finish(tx, "commit"))).toEqual([410, "transaction_expired"]);
    expect((await finish(tx, "abort")).json()).toMatchObject({ state: "aborted", reason: "expired" });
  });

  it("is refused with another token, which an operator may force", async () => {
    const tx = await begin();
    await put("a", "1", { tx });
    const as = "theirs" as const;
    expect(await problemOf(put("b", "1", { tx, as }))).toEqual([403, "transaction_not_yours"]);
    expect(await problemOf(call("GET", file("a"), { tx, as }))).toEqual([403, "transaction_not_yours"]);
    expect(await problemOf(finish(tx, "commit", { as }))).toEqual([403, "transaction_not_yours"]);
    expect(await listKeys()).toEqual([]);
    expect((await finish(tx, "commit", { as, body: '{"force":true}' })).json()).toMatchObject({ state: "committed" });
    expect(await listKeys()).toEqual(["a"]);
  });

  it("is refused when too much would be staged, for one transaction and for a namespace", async () => {
    const [one, two] = [await begin(), await begin()];
    await put("a", "x".repeat(900), { tx: one });
    expect(await problemOf(put("b", "x".repeat(101), { tx: one }))).toEqual([413, "transaction_too_large"]);
    await put("c", "x".repeat(600), { tx: two });
    expect(await problemOf(put("d", "x".repeat(1), { tx: two }))).toEqual([503, "staging_full"]);
    expect((await put("c", "x".repeat(10), { tx: two })).status).toBe(202);
    await finish(one, "abort");
    expect((await put("d", "x".repeat(900), { tx: two })).status).toBe(202);
    await finish(two, "abort");
  });

  it("is refused for what no transaction holds: restores, purges and resumable uploads", async () => {
    const tx = await begin();
    const restore = call("POST", `/v1/restores/${name}`, { tx, body: JSON.stringify({ prefix: "", asOf: "1" }) });
    expect(await problemOf(restore)).toEqual([400, "invalid_request"]);
    const purge = call("POST", `/v1/purges/${name}`, { tx, body: JSON.stringify({ key: "a" }) });
    expect(await problemOf(purge)).toEqual([400, "invalid_request"]);
    const tus = { "tus-resumable": "1.0.0", "upload-length": "1" };
    expect(await problemOf(call("POST", "/v1/uploads", { tx, headers: tus }))).toEqual([400, "invalid_request"]);
  });

  it("is refused for a body that is none", async () => {
    for (const body of [
      '{"ttlMs":1}',
      '{"ttlMs":"600000"}',
      '{"other":1}',
      '{"coordinator":"A"}',
      '{"coordinator":""}',
    ]) {
      expect(await problemOf(call("POST", "/v1/transactions", { body }))).toEqual([400, "invalid_request"]);
    }
    expect(await problemOf(call("GET", "/v1/transactions?limit=0"))).toEqual([400, "invalid_request"]);
  });
});
