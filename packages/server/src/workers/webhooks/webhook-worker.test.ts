import { createHmac } from "node:crypto";
import type { WebhookMessage } from "@koboldfs/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import type { WebhookRecord } from "../../catalog/catalog.js";
import { ChangeFeed } from "../../mirror/changes/change-feed.js";
import { MemoryMirror } from "../../mirror/memory/memory-mirror.js";
import { WatchedMirror } from "../../mirror/watched-mirror.js";
import { NAMESPACE, putOf, setNamespaceOf } from "../../model/test-changes.js";
import { ModelCatalog, TEST_CLUSTER } from "../../model/test-model-catalog.js";
import type { PlacedProgress } from "../../model/placed-progress.js";
import { silentLogger } from "../../runtime/logger.js";
import { SimulatedClock } from "../../runtime/simulated-clock.js";
import type { WebhookRequest } from "./webhook-sender.js";
import { WebhookWorker } from "./webhook-worker.js";

const SECRET = "whsec_c2VjcmV0";

let clock: SimulatedClock;
let model: ModelCatalog;
let mirror: WatchedMirror;
let feed: ChangeFeed;
let webhooks: Map<string, WebhookRecord>;
let leases: { holder: string; untilMs: number } | undefined;
let received: { url: string; headers: WebhookRequest["headers"]; message: WebhookMessage }[];
/** What the catalog that nodes reach has committed. */
let history: ModelCatalog;
/** The catalog went another way than the mirror. */
let isForked: boolean;
let answer: (request: WebhookRequest) => Promise<number>;

beforeEach(async () => {
  clock = new SimulatedClock();
  model = new ModelCatalog();
  history = model;
  mirror = new WatchedMirror(new MemoryMirror(TEST_CLUSTER));
  const catalog = { head: async () => ({ ...model.head, epoch: 0 }), findNamespace: async () => undefined };
  feed = new ChangeFeed({ mirror, catalog, clock });
  webhooks = new Map();
  leases = undefined;
  isForked = false;
  received = [];
  answer = async () => 200;
  model.commit([setNamespaceOf()]);
  await mirror.append(model.groups);
});

async function put(...keys: string[]): Promise<void> {
  for (const key of keys) {
    model.commit([putOf(key)]);
    await mirror.append(model.groups.slice(-1));
  }
  await clock.advance(0);
}

function enter(id: string, settings: Partial<WebhookRecord> = {}): void {
  const position = model.head.number;
  webhooks.set(id, { id, url: `http://${id}/`, namespace: NAMESPACE, prefix: "", position, failures: 0, ...settings });
}

/** A node that delivers, step by step as its runner would have it. */
function startNode(holder: string) {
  const catalog = {
    listWebhooks: async () => [...webhooks.values()],
    noteWebhookProgress: async ({ at, error: _old, ...progress }: PlacedProgress) => {
      const { error: _before, ...known } = webhooks.get(progress.id)!;
      if (known.position > progress.position || !history.groups.some(({ hash }) => hash === at.hash)) return;
      webhooks.set(progress.id, { ...known, ...progress, ...(_old !== undefined && { error: _old }) });
    },
    acquireLease: async (_name: string, who: string, ttlMs: number) => {
      if (leases !== undefined && leases.holder !== who && leases.untilMs > clock.now()) return false;
      leases = { holder: who, untilMs: clock.now() + ttlMs };
      return true;
    },
    releaseLease: async (_name: string, who: string) => {
      if (leases?.holder === who) leases = undefined;
    },
  };
  const send = async (request: WebhookRequest) => {
    const status = await answer(request);
    const { url, headers, body } = request;
    if (status < 300) received.push({ url, headers, message: JSON.parse(body) as WebhookMessage });
    return status;
  };
  const ways = { feed, secretOf: () => SECRET, send, random: () => 1, log: silentLogger };
  const worker = new WebhookWorker({ catalog, holder, isTrusted: async () => !isForked, clock, ...ways });
  let isRunning = true;
  const ended = (async () => {
    while (isRunning) {
      await worker.step();
      await clock.sleep(worker.pollMs);
    }
  })();
  return {
    stop: async () => {
      isRunning = false;
      await worker.end();
      await clock.advance(worker.pollMs);
      await ended;
    },
    /** As a process that is killed: it does nothing any more, and gives nothing back. */
    kill: () => {
      isRunning = false;
      answer = (
        (before) => (request: WebhookRequest) =>
          before(request)
      )(answer);
    },
  };
}

const keysOf = (url: string) =>
  received.filter((one) => one.url === url).flatMap(({ message }) => ("changes" in message ? message.changes : []));

describe("webhooks", () => {
  it("get every change behind their entry, in order, signed, and nothing that is not theirs", async () => {
    await put("before");
    enter("a");
    enter("b", { prefix: "mine/" });
    const node = startNode("n1");
    await clock.advance(100);
    await put("one", "mine/two", "three");
    await clock.advance(3000);
    expect(keysOf("http://a/").map(({ key }) => key)).toEqual(["one", "mine/two", "three"]);
    expect(keysOf("http://b/").map(({ key }) => key)).toEqual(["mine/two"]);
    for (const { headers, message } of received) {
      const text = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${JSON.stringify(message)}`;
      const signature = createHmac("sha256", "secret").update(text).digest("base64");
      expect(headers["webhook-signature"]).toBe(`v1,${signature}`);
    }
    expect(webhooks.get("a")).toMatchObject({ position: model.head.number, failures: 0 });
    await node.stop();
    expect(leases).toBeUndefined();
  });

  it("that fail hear it again, later and later and never out of order, and are noted with why", async () => {
    enter("a");
    const attempts: number[] = [];
    answer = async () => {
      attempts.push(clock.now());
      if (attempts.length === 3) throw new Error("connection refused");
      return attempts.length < 6 ? 500 : 204;
    };
    const node = startNode("n1");
    await put("one", "two");
    await clock.advance(5000);
    expect(webhooks.get("a")).toMatchObject({ failures: 3, error: "connection refused" });
    await clock.advance(60_000);
    const pauses = attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0));
    expect(pauses.slice(0, 5)).toEqual([1000, 2000, 4000, 8000, 16_000]);
    expect(keysOf("http://a/").map(({ key }) => key)).toEqual(["one", "two"]);
    expect(webhooks.get("a")).toEqual(expect.not.objectContaining({ error: expect.anything() }));
    expect(webhooks.get("a")).toMatchObject({ failures: 0, position: model.head.number });
    await node.stop();
  });

  it("that hang hold up no other one", async () => {
    enter("slow");
    enter("quick");
    answer = async ({ url, signal }) => {
      if (url !== "http://slow/") return 200;
      await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
      return 200;
    };
    const node = startNode("n1");
    await put("one");
    await clock.advance(3000);
    expect(keysOf("http://quick/")).toHaveLength(1);
    await node.stop();
    expect(keysOf("http://slow/")).toHaveLength(0);
  });

  it("are told by one node at a time; another goes on where a dead one was noted to be, within seconds", async () => {
    enter("a");
    const first = startNode("n1");
    await clock.advance(10);
    const second = startNode("n2");
    await put("one");
    await clock.advance(5000);
    expect(keysOf("http://a/")).toHaveLength(1);
    first.kill();
    await put("two");
    await clock.advance(20_000);
    expect(leases?.holder).toBe("n2");
    expect(new Set(keysOf("http://a/").map(({ key }) => key))).toEqual(new Set(["one", "two"]));
    await second.stop();
  });

  it("are told nothing by a node that stood still and lost the lease without noticing", async () => {
    enter("a");
    const node = startNode("n1");
    await clock.advance(10);
    node.kill();
    await clock.advance(20_000);
    await put("one");
    await clock.advance(10_000);
    expect(received).toEqual([]);
  });

  it("meet a change again rather than never when their place could not be noted", async () => {
    enter("a");
    const node = startNode("n1");
    await put("one");
    await clock.advance(3000);
    const before = webhooks.get("a")!;
    await node.stop();
    webhooks.set("a", { ...before, position: before.position - 1 });
    const again = startNode("n2");
    await clock.advance(3000);
    expect(keysOf("http://a/").map(({ key }) => key)).toEqual(["one", "one"]);
    await again.stop();
  });

  it("are not moved on by numbers that a fork gives out anew, whoever dies before the histories are joined", async () => {
    await put("both");
    const fork = model.head;
    enter("a");
    await put("lost 1", "lost 2", "lost 3");
    // A node that starts beside a catalog of another history, and dies before it has noticed more than that.
    isForked = true;
    startNode("n1").kill();
    await clock.advance(3000);
    expect(received).toEqual([]);
    expect(webhooks.get("a")?.position).toBe(fork.number);
    const other = new ModelCatalog();
    other.commit([setNamespaceOf()]);
    other.commit([putOf("both")]);
    expect(other.head).toEqual(fork);
    await mirror.splitOff(fork);
    for (const key of ["won", "lost 1", "lost 2", "lost 3"]) other.commit([putOf(key)]);
    await mirror.append(other.groups.slice(-4));
    history = other;
    isForked = false;
    leases = undefined;
    const node = startNode("n2");
    await clock.advance(3000);
    expect(keysOf("http://a/").map(({ key }) => key)).toEqual(["won", "lost 1", "lost 2", "lost 3"]);
    await node.stop();
  });

  it("are told what a fork gave the numbers of what they know, when it met a node that failed to tell them more", async () => {
    await put("both");
    const fork = model.head;
    enter("a");
    const node = startNode("n1");
    await put("lost 1", "lost 2", "lost 3");
    await clock.advance(100);
    answer = async () => 503;
    await put("lost 4");
    await clock.advance(1500);
    // Another catalog, in which others went on, takes the place of the one that knows how far the webhook was.
    history = new ModelCatalog();
    history.commit([setNamespaceOf()]);
    history.commit([putOf("both")]);
    for (const key of ["won 1", "won 2", "won 3", "lost 4"]) history.commit([putOf(key)]);
    webhooks.set("a", { ...webhooks.get("a")!, position: fork.number, failures: 0 });
    await clock.advance(3000);
    expect(webhooks.get("a")).toMatchObject({ position: fork.number, failures: 0 });
    await mirror.splitOff(fork);
    await mirror.append(history.groups.slice(-4));
    received = [];
    answer = async () => 200;
    await clock.advance(60_000);
    expect(keysOf("http://a/").map(({ key }) => key)).toEqual(["won 1", "won 2", "won 3", "lost 4"]);
    expect(webhooks.get("a")?.position).toBe(history.head.number);
    await node.stop();
  });

  it("are told of a gap, and where it ends, when the horizon passed what they did not get", async () => {
    enter("a");
    const after = model.head.number;
    await put("x", "x");
    const horizon = model.head.number;
    model.commit([{ kind: "move-horizon", namespace: NAMESPACE, horizon }]);
    await mirror.append(model.groups.slice(-1));
    const node = startNode("n1");
    await put("y");
    await clock.advance(3000);
    expect(received.map(({ message }) => message)).toMatchObject([
      { kind: "gap", code: "changes_gone", webhook: "a", after, position: horizon },
      { kind: "changes", changes: [{ key: "y" }] },
    ]);
    await node.stop();
  });

  it("begin when they are entered and end when they are removed while the node runs, or get another target", async () => {
    const node = startNode("n1");
    enter("a");
    await put("one");
    await clock.advance(3000);
    webhooks.set("a", { ...webhooks.get("a")!, url: "http://moved/" });
    await clock.advance(3000);
    await put("two");
    await clock.advance(100);
    webhooks.delete("a");
    await clock.advance(3000);
    await put("three");
    await clock.advance(10_000);
    expect(keysOf("http://a/").map(({ key }) => key)).toEqual(["one"]);
    expect(keysOf("http://moved/").map(({ key }) => key)).toEqual(["two"]);
    await node.stop();
  });

  it("move on through what does not concern them, so that nothing is read twice after a restart", async () => {
    enter("a", { prefix: "never/" });
    const node = startNode("n1");
    await put("one", "two");
    await clock.advance(31_000);
    expect(webhooks.get("a")?.position).toBe(model.head.number);
    await put("three");
    await clock.advance(31_000);
    expect(webhooks.get("a")?.position).toBe(model.head.number);
    await node.stop();
  });
});
