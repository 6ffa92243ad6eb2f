import { KoboldError, type StatusReply, type TransactionInfo } from "@koboldfs/protocol";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { STILL_UPKEEP } from "../cluster/test-upkeep.js";
import { METRICS, type MetricName } from "../files/metric-table.js";
import { DEMO } from "../files/test-files.js";
import { systemClock } from "../runtime/clock.js";
import { send } from "./raw-client.js";
import { type ParsedMetric, parseMetrics } from "./test-parse-metrics.js";
import { startTestServer, type TestServer } from "./test-server.js";

const ODD_ZONE = 'rack "7"\\north\nfloor 2, {a="b"}';
const ODD_PATH = '/srv/disk "one"\\';
const SIX_MINUTES_MS = 6 * 60_000;

let test: TestServer;
let aheadMs = 0;
beforeAll(async () => {
  const clock = { ...systemClock, now: () => Date.now() + aheadMs };
  test = await startTestServer({ peers: ["anna"], token: "mine", clock });
  const node = { id: test.idOf("anna"), name: "anna", url: "http://anna.invalid", zone: ODD_ZONE, volumes: [] };
  await test.catalog.commit({ kind: "set-node", node: { ...node, state: "alive" } as never });
});
afterEach(() => {
  aheadMs = 0;
});
afterAll(() => test.close());

async function call(method: string, path: string, { body = "", tx = "" } = {}) {
  const headers = { authorization: "Bearer mine", ...(tx !== "" && { "koboldfs-transaction": tx }) };
  const reply = await send(test.port, { method, path, headers, ...(body !== "" && { body }) });
  expect(reply.status).toBeLessThan(300);
  return reply;
}

async function scrape(): Promise<Scraped> {
  return new Scraped((await call("GET", "/metrics")).text);
}

/** What was told, asked by name and labels. */
class Scraped {
  readonly metrics: Map<string, ParsedMetric>;

  constructor(text: string) {
    this.metrics = parseMetrics(text);
  }

  find(name: MetricName, labels: Record<string, string> = {}): number | undefined {
    const samples = [...(this.metrics.get(name)?.samples.values() ?? [])];
    const wanted = Object.entries(labels);
    return samples.find((sample) => wanted.every(([label, text]) => sample.labels[label] === text))?.value;
  }

  has(name: MetricName): boolean {
    return this.metrics.has(name);
  }
}

async function begin(): Promise<string> {
  return (await call("POST", "/v1/transactions")).json<TransactionInfo>().id;
}

describe("GET /metrics", () => {
  it("wants the token that a status wants", async () => {
    expect((await send(test.port, { path: "/metrics" })).problem).toEqual([401, "unauthorized"]);
    const reply = await call("GET", "/metrics");
    expect(reply.headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
  });

  it("has each metric as its table says, by name, type, help and labels", async () => {
    const { metrics } = await scrape();
    expect(metrics.size).toBeGreaterThan(20);
    for (const [name, { help, type, samples }] of metrics) {
      const rule = METRICS[name as MetricName];
      expect({ name, help, type }).toEqual({ name, help: rule.help, type: rule.type });
      for (const { labels } of samples.values()) {
        expect(Object.keys(labels).filter((label) => label !== "le")).toEqual(rule.labels);
      }
    }
  });

  it("says what was put, and of what nothing was put", async () => {
    const before = await scrape();
    await call("PUT", "/v1/files/demo/a", { body: "hello" });
    const after = await scrape();
    expect(after.find("koboldfs_namespace_files", { namespace: "demo" })).toBe(1);
    expect(after.find("koboldfs_namespace_bytes", { namespace: "demo" })).toBe(5);
    const head = before.find("koboldfs_journal_head_number") ?? Number.NaN;
    expect(after.find("koboldfs_journal_head_number")).toBe(head + 1);
    expect(after.find("koboldfs_catalog_up")).toBe(1);
    expect(after.find("koboldfs_catalog_epoch")).toBe(0);
    expect(after.find("koboldfs_mirror_lag_entries", { node: "self" })).toBe(0);
    // The peer of this test answers nobody.
    expect(after.find("koboldfs_mirror_lag_entries", { node: "anna" })).toBeUndefined();
  });

  it("says what a node owes and since when, and escapes what operators call things", async () => {
    const debt = { node: test.idOf("anna"), namespace: DEMO, digest: "0".repeat(64) as never, sizeBytes: 1000 };
    await test.catalog.addDebt({ ...debt, copies: 1 });
    aheadMs = SIX_MINUTES_MS;
    test.upkeep.answer = {
      ...STILL_UPKEEP,
      volumes: [{ id: "v1", path: ODD_PATH, state: "full", freeBytes: 0, totalBytes: 1e12 }],
      scrub: { ...STILL_UPKEEP.scrub, proven: 0.5, findings: { ...STILL_UPKEEP.scrub.findings, corrupt: 3 } },
    };
    const told = await scrape();
    expect(told.find("koboldfs_debt_files", { node: "anna" })).toBe(1);
    expect(told.find("koboldfs_debt_bytes", { node: "anna" })).toBe(1000);
    expect(told.find("koboldfs_debt_oldest_age_seconds", { node: "anna" })).toBeGreaterThanOrEqual(360);
    expect(told.find("koboldfs_debt_oldest_age_seconds", { node: "self" })).toBe(0);
    expect(told.find("koboldfs_node_state", { node: "anna", zone: ODD_ZONE, state: "alive" })).toBe(1);
    expect(told.find("koboldfs_volume_state", { volume: "v1", path: ODD_PATH, state: "full" })).toBe(1);
    expect(told.find("koboldfs_volume_free_bytes", { path: ODD_PATH })).toBe(0);
    expect(told.find("koboldfs_scrub_findings_total", { finding: "corrupt" })).toBe(3);
    expect(told.find("koboldfs_scrub_proven_ratio")).toBe(0.5);
    // Some copy was never proven: there is no such time.
    expect(told.has("koboldfs_scrub_oldest_proof_age_seconds")).toBe(false);
  });

  it("says of transactions what the status says: open, prepared and in doubt, staged bytes, and for how long", async () => {
    const [open, prepared] = [await begin(), await begin()];
    await call("PUT", "/v1/files/demo/open", { body: "12345678", tx: open });
    await call("PUT", "/v1/files/demo/prepared", { body: "123", tx: prepared });
    await call("POST", `/v1/transactions/${prepared}/prepare`);
    const told = await scrape();
    const counted = (scraped: Scraped) =>
      ["open", "prepared", "in_doubt"].map((state) => scraped.find("koboldfs_transactions", { state }));
    expect(counted(told)).toEqual([1, 1, 0]);
    expect(told.find("koboldfs_transactions_staged_bytes")).toBe(11);
    for (const state of ["open", "prepared"]) {
      expect(told.find("koboldfs_transactions_oldest_age_seconds", { state })).toBeLessThan(60);
    }
    aheadMs = SIX_MINUTES_MS;
    const later = await scrape();
    expect(counted(later)).toEqual([1, 0, 1]);
    for (const state of ["open", "prepared"]) {
      expect(later.find("koboldfs_transactions_oldest_age_seconds", { state })).toBeGreaterThanOrEqual(360);
    }
    const { transactions } = (await call("GET", "/v1/status")).json<StatusReply>();
    expect(transactions).toMatchObject({ open: 1, prepared: 1, inDoubt: 1, stagedBytes: 11 });
    expect(Date.parse(transactions?.oldestOpen ?? "")).toBeLessThanOrEqual(
      Date.parse(transactions?.oldestPrepared ?? ""),
    );
    await call("POST", `/v1/transactions/${open}/commit`);
    await call("POST", `/v1/transactions/${prepared}/commit`);
    expect(counted(await scrape())).toEqual([0, 0, 0]);
  });

  it("says how far webhooks are, and not where", async () => {
    const url = "http://hook.invalid/?secret=1";
    const headers = { authorization: "Bearer mine", "content-type": "application/json" };
    const body = JSON.stringify({ url });
    const added = await send(test.port, { method: "POST", path: "/v1/webhooks", headers, body });
    const { id } = added.json<{ id: string }>();
    await call("PUT", "/v1/files/demo/for-the-hook", { body: "x" });
    const reply = await call("GET", "/metrics");
    const told = new Scraped(reply.text);
    expect(told.find("koboldfs_webhook_lag_entries", { webhook: id })).toBe(1);
    expect(told.find("koboldfs_webhook_failures", { webhook: id })).toBe(0);
    expect(reply.text).not.toContain("secret");
  });

  it("has no series twice when a machine is called like a dead one", async () => {
    for (const id of ["00000000000000d1", "00000000000000d2"]) {
      const node = { id, name: "beta", url: "http://beta.invalid", zone: "default", volumes: [] };
      await test.catalog.commit({ kind: "set-node", node: { ...node, state: "alive" } as never });
      await test.catalog.commit({ kind: "set-node-state", node: id, state: "dead", force: true } as never);
    }
    const told = await scrape();
    for (const id of ["00000000000000d1", "00000000000000d2"]) {
      expect(told.find("koboldfs_node_state", { node: "beta", id, state: "dead" })).toBe(1);
    }
    expect(told.find("koboldfs_debt_files", { node: "beta" })).toBeUndefined();
  });

  it("says what the process takes", async () => {
    const told = await scrape();
    expect(told.find("process_cpu_seconds_total")).toBeGreaterThan(0);
    expect(told.find("process_resident_memory_bytes")).toBeGreaterThan(2 ** 20);
    const age = Date.now() / 1000 - (told.find("process_start_time_seconds") ?? 0);
    expect(age).toBeGreaterThan(0);
    expect(age).toBeLessThan(3600);
    await expect
      .poll(async () => (await scrape()).metrics.get("koboldfs_event_loop_delay_seconds")?.samples.size)
      .toBe(12);
  });
});

describe("GET /metrics while the catalog is away", () => {
  const gone = () => Promise.reject(new KoboldError("catalog_unavailable", "a fault of the test"));
  const away = [
    ...(["listNodes", "listNamespaces", "head", "countDebts"] as const),
    ...(["listWebhooks", "listUnfinishedTransactions"] as const),
  ];
  const hide = (...names: typeof away) => {
    for (const name of names) test.catalog[name] = gone;
  };
  // What was set hides the method of the class, and only that.
  const show = () => {
    for (const name of away) Reflect.deleteProperty(test.catalog, name);
  };
  afterEach(async () => {
    show();
    await expect.poll(async () => (await scrape()).find("koboldfs_catalog_up")).toBe(1);
  });

  it("tells what the mirror and the node itself know, and leaves out the rest", async () => {
    await call("PUT", "/v1/files/demo/before", { body: "hello" });
    const before = await scrape();
    hide(...away);
    const told = await scrape();
    expect(told.find("koboldfs_catalog_up")).toBe(0);
    const kept: MetricName[] = [
      ...(["koboldfs_journal_head_number", "koboldfs_namespace_files", "koboldfs_namespace_bytes"] as const),
      ...(["koboldfs_node_state", "koboldfs_volume_size_bytes", "koboldfs_scrub_proven_ratio"] as const),
    ];
    for (const name of kept) expect([name, told.find(name)]).toEqual([name, before.find(name)]);
    const unknown = [...before.metrics.keys()].filter((name) => !told.metrics.has(name));
    expect(unknown).toEqual([
      "koboldfs_node_heartbeat_age_seconds",
      "koboldfs_node_free_bytes",
      "koboldfs_node_size_bytes",
      "koboldfs_debt_files",
      "koboldfs_debt_bytes",
      "koboldfs_debt_oldest_age_seconds",
      "koboldfs_backfill_ratio",
      "koboldfs_webhook_lag_entries",
      "koboldfs_webhook_failures",
      "koboldfs_transactions",
      "koboldfs_transactions_staged_bytes",
      "koboldfs_transactions_oldest_age_seconds",
    ]);
  });

  it("answers also when the catalog goes away in the midst of it", async () => {
    hide("countDebts");
    const told = await scrape();
    expect(told.find("koboldfs_catalog_up")).toBe(0);
    expect(told.has("koboldfs_debt_files")).toBe(false);
    expect(told.has("process_cpu_seconds_total")).toBe(true);
  });
});
