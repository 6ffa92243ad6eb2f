import { createHash } from "node:crypto";
import type { Digest, FileKey, NamespaceName } from "@koboldfs/protocol";
import { afterAll, describe, expect, it } from "vitest";
import { systemClock } from "../runtime/clock.js";
import { SimulatedClock } from "../runtime/simulated-clock.js";
import { fails, hang } from "./faulty-blob-store.js";
import type { PutRequest } from "./put-request.js";
import { openTestCatalog, openTestFiles, type TestFiles, type TestFilesOptions } from "./test-files.js";

const KEY = "key" as FileKey;
const coded = (code: string) => expect.objectContaining({ code });

let test: TestFiles;
let clock: SimulatedClock;
let namespace: NamespaceName;
/** One for each set of peers: every test has a namespace of its own in it. */
const catalogs = new Map<string, Awaited<ReturnType<typeof openTestCatalog>>>();
let tests = 0;
afterAll(() => Promise.all(Array.from(catalogs.values(), (open) => open.close())));

async function open(options: TestFilesOptions = {}): Promise<void> {
  const { peers = ["anna", "bert"] } = options;
  const shared = catalogs.get(peers.join()) ?? (await openTestCatalog());
  catalogs.set(peers.join(), shared);
  tests += 1;
  namespace = `test-${tests}` as NamespaceName;
  clock = new SimulatedClock(Date.now(), systemClock.monotonic());
  test = await openTestFiles({ peers, clock, catalog: shared.catalog, namespace, ...options });
}

async function debtsOf(name: string) {
  return (await test.catalog.listDebts(test.idOf(name), 1000)).filter((debt) => debt.namespace === namespace);
}

async function* chunksOf(...chunks: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

function put(body: AsyncIterable<Uint8Array> = chunksOf("some ", "bytes"), more: Partial<PutRequest> = {}) {
  return test.files.put({ namespace, key: KEY, body, contentType: "text/plain", metadata: {}, ...more });
}

const DIGEST = createHash("sha256").update("some bytes").digest("hex") as Digest;

/** Names of the nodes that have the bytes. */
async function holders(digest = DIGEST): Promise<string[]> {
  const found = [];
  for (const [name, store] of Object.entries(test.memory)) {
    if (await store.stat({ namespace, digest })) found.push(name);
  }
  return found;
}

async function expectNothing(): Promise<void> {
  expect(await test.catalog.findFile(namespace, KEY)).toBeUndefined();
  for (const store of Object.values(test.stores)) await expect.poll(() => store.openWrites).toBe(0);
}

/** Moves the time when the step hangs, and not before. */
function hangAndWait(ms: number): () => Promise<never> {
  return () => {
    setImmediate(() => void clock.advance(ms));
    return hang();
  };
}

describe("a put", () => {
  it("places the bytes on as many nodes as are to acknowledge it, and the rest owe them", async () => {
    await open();
    expect(await put()).toMatchObject({ digest: DIGEST, size: 10, copies: 2, wanted: 3 });
    expect(await holders()).toEqual(["self", "anna"]);
    expect(await debtsOf("bert")).toMatchObject([{ digest: DIGEST, copies: 2 }]);
    expect(test.cluster.nudged).toEqual([test.idOf("bert")]);
  });

  it("is wanted on `ackCopies` nodes also in a cluster that has fewer", async () => {
    await open({ peers: [], ackCopies: 2 });
    expect(await put()).toMatchObject({ copies: 1, wanted: 2 });
  });

  it("on a node that is being drained places the bytes on others", async () => {
    await open();
    test.cluster.setSelf({ state: "draining" });
    expect(await put()).toMatchObject({ copies: 2 });
    expect(await holders()).toEqual(["anna", "bert"]);
  });

  it("takes no more of the body than the slowest node takes", async () => {
    await open();
    let taken = 0;
    const written: number[] = [];
    async function* body(): AsyncGenerator<Uint8Array> {
      for (; taken < 50; taken += 1) yield Buffer.from("x");
    }
    test.stores["anna"]!.beforeWrite = (bytes) => {
      written.push(taken - bytes);
      return new Promise((resolve) => setImmediate(resolve));
    };
    await put(body());
    expect(written).toHaveLength(50);
    expect(Math.max(...written)).toBeLessThanOrEqual(1);
  });
});

describe("a peer", () => {
  it.each(["beforeCreate", "beforeWrite", "beforeFinish"] as const)(
    "that fails %s is replaced by another",
    async (step) => {
      await open();
      test.stores["anna"]![step] = fails("peer_failed");
      expect(await put()).toMatchObject({ copies: 2, wanted: 3 });
      expect(await holders()).toEqual(["self", "bert"]);
      expect(test.cluster.failures).toEqual(["anna"]);
      expect(await debtsOf("anna")).toHaveLength(1);
    },
  );

  it.each(["beforeCreate", "beforeWrite", "beforeFinish"] as const)(
    "that hangs %s is replaced after 2 s",
    async (step) => {
      await open();
      test.stores["anna"]![step] = hangAndWait(2000);
      expect(await put()).toMatchObject({ copies: 2 });
      expect(await holders()).toEqual(["self", "bert"]);
      expect(clock.elapsedMs).toBe(2000);
    },
  );

  it.each(["beforeCreate", "beforeWrite", "beforeFinish"] as const)(
    "that fails %s with nobody to replace it owes",
    async (step) => {
      await open({ peers: ["anna"] });
      test.stores["anna"]![step] = fails("peer_failed");
      expect(await put()).toMatchObject({ copies: 1, wanted: 2 });
      expect(await debtsOf("anna")).toHaveLength(1);
    },
  );

  it("that is asked as a replacement and fails too is left to repair", async () => {
    await open();
    test.stores["anna"]!.beforeWrite = fails("peer_failed");
    test.stores["bert"]!.beforeFinish = hangAndWait(2000);
    expect(await put()).toMatchObject({ copies: 1, wanted: 3 });
    expect(test.cluster.failures).toEqual(["anna", "bert"]);
  });

  it("that is slow, but moves, is kept", async () => {
    await open();
    test.stores["anna"]!.beforeWrite = async () => {
      setImmediate(() => void clock.advance(1900));
      await clock.sleep(1900);
    };
    expect(await put()).toMatchObject({ copies: 2 });
    expect(await holders()).toEqual(["self", "anna"]);
    expect(clock.elapsedMs).toBe(3800);
  });

  it("that has much to flush gets time in proportion", async () => {
    await open({ peers: ["anna"] });
    const chunk = Buffer.alloc(32 * 1024 * 1024);
    test.stores["anna"]!.beforeFinish = async () => {
      setImmediate(() => void clock.advance(3900));
      await clock.sleep(3900);
    };
    async function* body(): AsyncGenerator<Uint8Array> {
      yield chunk;
    }
    expect(await put(body())).toMatchObject({ copies: 2 });
  });

  it("that says it stored other bytes does not count", async () => {
    await open({ peers: ["anna"] });
    test.stores["anna"]!.placedInstead = { digest: "0".repeat(64) as Digest, sizeBytes: 10 };
    expect(await put()).toMatchObject({ digest: DIGEST, copies: 1, wanted: 2 });
    expect(test.cluster.failures).toEqual(["anna"]);
  });
});

describe("this node's own disk", () => {
  it.each(["beforeCreate", "beforeWrite", "beforeFinish"] as const)("that fails %s fails the put", async (step) => {
    await open();
    test.stores["self"]![step] = fails("disk_full");
    await expect(put()).rejects.toEqual(coded("disk_full"));
    await expectNothing();
  });
});

describe("too few copies", () => {
  it("are refused before the body when there are too few nodes", async () => {
    await open();
    let wasRead = false;
    async function* body(): AsyncGenerator<Uint8Array> {
      wasRead = true;
      yield Buffer.from("x");
    }
    await expect(put(body(), { minCopies: 4 })).rejects.toEqual(coded("too_few_copies"));
    expect(wasRead).toBe(false);
    await expectNothing();
  });

  it("are refused when peers fail, and leave nothing here", async () => {
    await open({ peers: ["anna"] });
    test.stores["anna"]!.beforeWrite = fails("peer_failed");
    await expect(put(chunksOf("some bytes"), { minCopies: 2 })).rejects.toEqual(coded("too_few_copies"));
    await expectNothing();
    expect(await holders()).toEqual([]);
  });

  it("are not refused while a replacement can make them up", async () => {
    await open();
    test.stores["anna"]!.beforeWrite = fails("peer_failed");
    expect(await put(chunksOf("some bytes"), { minCopies: 2 })).toMatchObject({ copies: 2 });
  });

  it("are refused when the replacement fails too", async () => {
    await open();
    test.stores["anna"]!.beforeWrite = fails("peer_failed");
    test.stores["bert"]!.beforeWrite = fails("peer_failed");
    await expect(put(chunksOf("some bytes"), { minCopies: 2 })).rejects.toEqual(coded("too_few_copies"));
    await expectNothing();
  });

  it("are not refused to a put that was committed before: it gets its first answer", async () => {
    await open({ peers: ["anna"] });
    const first = await put(chunksOf("some bytes"), { minCopies: 2, idempotencyKey: "once" });
    test.cluster.setPeers({});
    expect(await put(chunksOf("some bytes"), { minCopies: 2, idempotencyKey: "once" })).toEqual(first);
    await expect(put(chunksOf("some bytes"), { minCopies: 2, idempotencyKey: "twice" })).rejects.toEqual(
      coded("too_few_copies"),
    );
  });

  it("by the node's own setting or the namespace's are refused alike", async () => {
    await open({ peers: [], minCopies: 2 });
    await expect(put()).rejects.toEqual(coded("too_few_copies"));
    expect(await put(chunksOf("x"), { minCopies: 1 })).toMatchObject({ copies: 1 });
    await test.catalog.commit({ kind: "set-namespace", namespace, policy: { minCopies: 2 } });
    await expect(put(chunksOf("x"), { minCopies: 1 })).rejects.toEqual(coded("too_few_copies"));
  });

  it("are what is left when a drained node's only peers fail", async () => {
    await open({ peers: ["anna"] });
    test.cluster.setSelf({ state: "draining" });
    test.stores["anna"]!.beforeFinish = fails("peer_failed");
    await expect(put()).rejects.toEqual(coded("too_few_copies"));
    await expectNothing();
  });
});

describe("a put is not named", () => {
  it("when the body is not as long as announced, either way", async () => {
    await open();
    await expect(put(undefined, { sizeBytes: 11 })).rejects.toEqual(coded("body_too_short"));
    await expect(put(undefined, { sizeBytes: 9 })).rejects.toEqual(coded("body_too_long"));
    await expectNothing();
    expect(await holders()).toEqual([]);
  });

  it("when the body is not what was announced", async () => {
    await open();
    const digest = "0".repeat(64) as Digest;
    await expect(put(undefined, { digest })).rejects.toEqual(coded("digest_mismatch"));
    await expectNothing();
    expect(await holders()).toEqual([]);
  });

  it("when the body breaks off", async () => {
    await open();
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("x");
      throw new Error("gone");
    }
    await expect(put(body())).rejects.toThrow("gone");
    await expectNothing();
  });

  it("when the bytes were placed more than ten minutes before", async () => {
    await open({ peers: [] });
    test.stores["self"]!.beforeFinish = () => clock.advance(10 * 60_000 + 1);
    await expect(put()).rejects.toEqual(coded("placement_expired"));
    await expectNothing();
  });

  it("but is when the upload alone took longer", async () => {
    await open({ peers: [] });
    test.stores["self"]!.beforeWrite = () => clock.advance(60 * 60_000);
    expect(await put()).toMatchObject({ copies: 1 });
  });

  it("with copies that a node had before it was filled anew", async () => {
    await open();
    const { id } = (await test.catalog.listNodes()).find(({ name }) => name === "anna") ?? {};
    if (id === undefined) throw new Error("there is no anna");
    test.stores["self"]!.beforeFinish = async () => {
      await test.catalog.commit({ kind: "refill-node", node: id, forgetVolumes: true });
    };
    await expect(put(undefined, { minCopies: 2 })).rejects.toEqual(coded("too_few_copies"));
    expect(await test.catalog.findFile(namespace, KEY)).toBeUndefined();
  });

  it("when its sender turned out to have meant something else", async () => {
    await open();
    const broken = new AbortController();
    test.stores["self"]!.beforeFinish = () => broken.abort(new Error("meant otherwise"));
    await expect(put(undefined, { signal: broken.signal })).rejects.toThrow("meant otherwise");
    await expectNothing();
  });

  it("when the namespace does not exist, and nothing is placed either", async () => {
    await open();
    const nowhere = "nowhere" as NamespaceName;
    await expect(put(undefined, { namespace: nowhere })).rejects.toEqual(coded("namespace_not_found"));
    expect(await holders()).toEqual([]);
  });
});

describe("a quota", () => {
  async function setQuota(maxBytes: number): Promise<void> {
    await test.catalog.commit({ kind: "set-namespace", namespace, policy: { minCopies: 1, maxBytes } });
  }

  it("refuses what is announced to pass it before the body, and what turns out to pass it after", async () => {
    await open();
    await setQuota(9);
    let wasRead = false;
    async function* body(): AsyncGenerator<Uint8Array> {
      wasRead = true;
      yield Buffer.from("some bytes");
    }
    await expect(put(body(), { sizeBytes: 10 })).rejects.toEqual(coded("quota_exceeded"));
    expect(wasRead).toBe(false);
    await expect(put(body())).rejects.toEqual(coded("quota_exceeded"));
    expect(wasRead).toBe(true);
    expect(await test.catalog.findFile(namespace, KEY)).toBeUndefined();
  });

  it("lets a full namespace take an overwrite that adds nothing, and anything once there is room, at once", async () => {
    await open();
    await setQuota(10);
    await put(undefined, { sizeBytes: 10 });
    await put(chunksOf("other same"), { sizeBytes: 10 });
    const other = { key: "other" as FileKey, sizeBytes: 10 };
    await expect(put(undefined, other)).rejects.toEqual(coded("quota_exceeded"));
    await test.catalog.commit({ kind: "delete", namespace, key: KEY });
    await put(undefined, other);
    await expect(put(undefined, { sizeBytes: 10 })).rejects.toEqual(coded("quota_exceeded"));
    await setQuota(20);
    await put(undefined, { sizeBytes: 10 });
  });

  it("does not refuse a repetition of a put that filled it", async () => {
    await open();
    await setQuota(10);
    const once = { sizeBytes: 10, idempotencyKey: `one of ${namespace}` };
    const first = await put(undefined, once);
    await test.catalog.commit({ kind: "rename", namespace, from: KEY, to: "elsewhere" as FileKey });
    expect(await put(undefined, once)).toMatchObject({ version: first.version });
  });
});

describe("conditions and idempotency keys", () => {
  it("refuse early what a condition forbids now", async () => {
    await open();
    await put();
    let wasRead = false;
    async function* body(): AsyncGenerator<Uint8Array> {
      wasRead = true;
      yield Buffer.from("x");
    }
    await expect(put(body(), { precondition: { ifNoneMatch: "*" } })).rejects.toEqual(coded("precondition_failed"));
    expect(wasRead).toBe(false);
  });

  it("give a repetition the first answer, though its condition does not hold any more", async () => {
    await open();
    const once = { precondition: { ifNoneMatch: "*" }, idempotencyKey: `one of ${namespace}` } as const;
    const first = await put(undefined, once);
    const again = await put(undefined, once);
    expect({ ...again, copies: 0 }).toEqual({ ...first, copies: 0 });
  });

  it.each([
    ["bytes", chunksOf("other"), {}],
    ["content type", undefined, { contentType: "text/other" }],
    ["metadata", undefined, { metadata: { a: "b" } }],
    ["key", undefined, { key: "other" as FileKey }],
    ["condition", undefined, { precondition: { ifNoneMatch: "*" } }],
  ] as const)("refuse the same idempotency key with another %s", async (_, body, other) => {
    await open();
    await put(undefined, { idempotencyKey: `one of ${namespace}` });
    await expect(put(body, { idempotencyKey: `one of ${namespace}`, ...other })).rejects.toEqual(
      coded("idempotency_key_reused"),
    );
  });
});
