import type { NodeId, NodeName } from "@koboldfs/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MemoryBlobStore } from "../blobs/memory/memory-blob-store.js";
import type { NodeCatalog, NodeRecord } from "../catalog/catalog.js";
import type { PeerMirror } from "../mirror/peer-mirror.js";
import type { Logger } from "../runtime/logger.js";
import { SimulatedClock } from "../runtime/simulated-clock.js";
import type { Peer } from "./cluster.js";
import { ScriptedUpkeep } from "./test-upkeep.js";
import { LiveCluster } from "./live-cluster.js";

const INTERVAL_MS = 1000;
const SELF = "aaaaaaaaaaaaaaaa" as NodeId;
const B = "bbbbbbbbbbbbbbbb" as NodeId;
const C = "cccccccccccccccc" as NodeId;

/** Node records in memory; ages grow with the clock unless a node is said to beat. */
class MemoryNodes implements NodeCatalog {
  readonly records = new Map<NodeId, NodeRecord>();
  readonly beating = new Set<NodeId>();
  readonly lastBeat = new Map<NodeId, number>();
  readonly spaces: { freeBytes: number; totalBytes: number }[] = [];
  away = false;
  readonly #clock: SimulatedClock;

  constructor(clock: SimulatedClock) {
    this.#clock = clock;
  }

  add(id: NodeId, changed: Partial<NodeRecord> = {}): void {
    const name = id.slice(0, 1) as NodeName;
    this.records.set(id, {
      id,
      name,
      url: `http://${name}.invalid`,
      zone: "default",
      state: "alive",
      volumes: [],
      heartbeatAgeMs: 0,
      freeBytes: 1e9,
      totalBytes: 1e9,
      joinedAt: 1,
      backfillPosition: 1,
      ...changed,
    });
    this.beating.add(id);
  }

  change(id: NodeId, changed: Partial<NodeRecord>): void {
    const record = this.records.get(id);
    if (record !== undefined) this.records.set(id, { ...record, ...changed });
  }

  async listNodes(): Promise<NodeRecord[]> {
    const now = this.#clock.monotonic();
    return [...this.records.values()].map((record) => {
      if (this.beating.has(record.id)) this.lastBeat.set(record.id, now);
      return { ...record, heartbeatAgeMs: now - (this.lastBeat.get(record.id) ?? 0) };
    });
  }

  async heartbeat(_node: NodeId, space: { freeBytes: number; totalBytes: number }): Promise<NodeRecord[]> {
    if (this.away) throw new Error("the catalog is away");
    this.spaces.push(space);
    return this.listNodes();
  }

  async setBackfillPosition(): Promise<void> {}
}

const noMirror: PeerMirror = {
  append: () => Promise.reject(new Error("no mirror here")),
  head: () => Promise.reject(new Error("no mirror here")),
  listGroups: async () => [],
  findGroupHash: async () => undefined,
};

function idsOf(peers: readonly Peer[]): NodeId[] {
  return peers.map(({ node }) => node.id);
}

describe("LiveCluster", () => {
  let clock: SimulatedClock;
  let catalog: MemoryNodes;
  let cluster: LiveCluster;
  let connected: string[];
  let closed: string[];
  let nudges: NodeId[];
  let reachable: boolean;
  let expelled: number;
  let ownDebts: number;
  let warnings: string[];

  beforeEach(async () => {
    clock = new SimulatedClock();
    catalog = new MemoryNodes(clock);
    [connected, closed, nudges, warnings] = [[], [], [], []];
    [reachable, expelled, ownDebts] = [true, 0, 0];
    const ignore = () => {};
    const warn = (_: object, message: string) => void warnings.push(message);
    const log: Logger = { debug: ignore, info: ignore, warn, error: warn };
    for (const id of [SELF, B, C]) catalog.add(id);
    cluster = new LiveCluster({
      self: SELF,
      catalog,
      space: async () => ({ freeBytes: 5, totalBytes: 10 }),
      connect: ({ id, url }) => {
        connected.push(url);
        return {
          store: new MemoryBlobStore(),
          mirror: noMirror,
          upkeep: new ScriptedUpkeep(),
          nudge: async () => void nudges.push(id),
          ping: async () => {
            if (!reachable) throw new Error("nobody there");
          },
          close: async () => void closed.push(url),
        };
      },
      intervalMs: INTERVAL_MS,
      clock,
      random: () => 0.5,
      log,
      onOwnDebt: () => {
        ownDebts += 1;
      },
      onExpelled: () => {
        expelled += 1;
      },
    });
    await cluster.start();
  });
  afterEach(() => cluster.stop());

  function stateOf(id: NodeId): string | undefined {
    return cluster.nodes().find((node) => node.id === id)?.state;
  }

  it("knows every node after the start, and its peers are the others", () => {
    expect(cluster.nodes().map(({ id }) => id)).toEqual([SELF, B, C]);
    expect(new Set(idsOf(cluster.placementPeers()))).toEqual(new Set([B, C]));
    expect(new Set(idsOf(cluster.readingPeers()))).toEqual(new Set([B, C]));
  });

  it("beats in its interval and says how full the node is", async () => {
    await clock.advance(3 * INTERVAL_MS);
    expect(catalog.spaces).toHaveLength(4);
    expect(catalog.spaces[0]).toEqual({ freeBytes: 5, totalBytes: 10 });
  });

  it("sees a node down after five missed heartbeats, asks it nothing, and takes it back when it beats again", async () => {
    catalog.beating.delete(B);
    await clock.advance(5 * INTERVAL_MS);
    expect(stateOf(B)).toBe("alive");
    await clock.advance(INTERVAL_MS);
    expect(stateOf(B)).toBe("down");
    expect(idsOf(cluster.placementPeers())).toEqual([C]);
    expect(idsOf(cluster.readingPeers())).toEqual([C]);
    catalog.beating.add(B);
    await clock.advance(INTERVAL_MS);
    expect(stateOf(B)).toBe("alive");
    expect(connected).toHaveLength(2);
  });

  it("asks a readonly node for bytes only, and a dead one for nothing", async () => {
    catalog.change(B, { state: "readonly" });
    catalog.change(C, { state: "dead" });
    await clock.advance(INTERVAL_MS);
    expect(idsOf(cluster.placementPeers())).toEqual([]);
    expect(idsOf(cluster.readingPeers())).toEqual([B]);
    expect(closed).toEqual(["http://c.invalid"]);
  });

  it("keeps its view while the catalog is away, complains once, and blames no node for the silence afterwards", async () => {
    catalog.away = true;
    catalog.beating.clear();
    await clock.advance(20 * INTERVAL_MS);
    expect(stateOf(B)).toBe("alive");
    expect(idsOf(cluster.readingPeers())).toHaveLength(2);
    expect(warnings).toHaveLength(1);
    catalog.away = false;
    await clock.advance(INTERVAL_MS);
    expect(stateOf(B)).toBe("alive");
    catalog.beating.add(B);
    await clock.advance(6 * INTERVAL_MS);
    expect(stateOf(B)).toBe("alive");
    expect(stateOf(C)).toBe("down");
  });

  it("finds nodes that come, and opens a new way to one that moved", async () => {
    const D = "dddddddddddddddd" as NodeId;
    catalog.add(D);
    catalog.change(B, { url: "http://moved.invalid" });
    await clock.advance(INTERVAL_MS);
    expect(idsOf(cluster.readingPeers())).toContain(D);
    expect(connected).toEqual(["http://b.invalid", "http://c.invalid", "http://moved.invalid", "http://d.invalid"]);
    expect(closed).toEqual(["http://b.invalid"]);
  });

  it("asks a peer that failed last, until it answers a ping", async () => {
    reachable = false;
    cluster
      .readingPeers()
      .find(({ node }) => node.id === B)
      ?.reportFailure(new Error("cut"));
    for (const peers of [cluster.readingPeers(), cluster.placementPeers()]) expect(idsOf(peers)).toEqual([C, B]);
    await clock.advance(3000);
    expect(idsOf(cluster.readingPeers())).toEqual([C, B]);
    reachable = true;
    await clock.advance(1000);
    // With equal chances the order is that of the records.
    expect(idsOf(cluster.readingPeers())).toEqual([B, C]);
  });

  it("complains of a peer that keeps failing once in a while, not each time", async () => {
    const fail = () =>
      cluster
        .readingPeers()
        .find(({ node }) => node.id === B)
        ?.reportFailure(new Error("cut"));
    for (let put = 0; put < 10; put += 1) fail();
    expect(warnings).toHaveLength(1);
    await clock.advance(61_000);
    fail();
    expect(warnings).toHaveLength(2);
  });

  it("forgets a failure after some seconds, ping or not", async () => {
    reachable = false;
    cluster
      .readingPeers()
      .find(({ node }) => node.id === B)
      ?.reportFailure(new Error("cut"));
    await clock.advance(5000);
    expect(idsOf(cluster.readingPeers())).toEqual([B, C]);
  });

  it("tells its own worker what it owes itself", () => {
    cluster.nudge([SELF]);
    expect(ownDebts).toBe(1);
  });

  it("sends one nudge at once and one more for all that come meanwhile", async () => {
    for (let put = 0; put < 100; put += 1) cluster.nudge([B]);
    await clock.advance(0);
    expect(nudges).toEqual([B]);
    await clock.advance(100);
    expect(nudges).toEqual([B, B]);
    cluster.nudge([B, C]);
    await clock.advance(0);
    expect(nudges).toEqual([B, B, B, C]);
  });

  it("says once that this node is not wanted any more", async () => {
    catalog.change(SELF, { state: "dead" });
    await clock.advance(3 * INTERVAL_MS);
    expect(expelled).toBe(1);
  });

  it("beats no more after it was stopped, and closes all ways", async () => {
    await cluster.stop();
    await clock.advance(10 * INTERVAL_MS);
    expect(catalog.spaces).toHaveLength(1);
    expect(closed).toHaveLength(2);
  });
});
