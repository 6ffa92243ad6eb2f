import { KoboldError } from "@koboldfs/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { MemoryMirror } from "../mirror/memory/memory-mirror.js";
import { MirrorIntake } from "../mirror/mirror-intake.js";
import type { PeerMirror } from "../mirror/peer-mirror.js";
import type { JournalGroup } from "../model/journal-group.js";
import { putOf, setNamespaceOf } from "../model/test-changes.js";
import { ModelCatalog, TEST_CLUSTER } from "../model/test-model-catalog.js";
import { silentLogger } from "../runtime/logger.js";
import { SimulatedClock } from "../runtime/simulated-clock.js";
import type { MirrorPeer } from "./cluster.js";
import { MirrorFeed } from "./mirror-feed.js";
import { StaticCluster } from "./static-cluster.js";

/** A peer in memory whose mirror can be made to fail, to hang, and to be looked at. */
class TestPeer implements PeerMirror {
  readonly mirror = new MemoryMirror(TEST_CLUSTER);
  readonly messages: number[] = [];
  readonly failures: unknown[] = [];
  failedLately = false;
  before: () => Promise<void> = async () => {};

  async append(groups: readonly JournalGroup[]) {
    this.messages.push(groups.length);
    await this.before();
    return this.mirror.append(groups);
  }

  async head() {
    await this.before();
    return this.mirror.head();
  }

  listGroups(after: number, limit: number) {
    return this.mirror.listGroups(after, limit);
  }

  findGroupHash(number: number) {
    return this.mirror.findGroupHash(number);
  }
}

describe("MirrorFeed", () => {
  let clock: SimulatedClock;
  let catalog: ModelCatalog;
  let own: MemoryMirror;
  let peers: TestPeer[];
  let feed: MirrorFeed;

  beforeEach(() => {
    [clock, catalog, own] = [new SimulatedClock(), new ModelCatalog(), new MemoryMirror(TEST_CLUSTER)];
    peers = [new TestPeer(), new TestPeer()];
    catalog.commit([setNamespaceOf()]);
    feed = createFeed();
  });

  function createFeed(mirror: Pick<MemoryMirror, "append" | "head"> = own): MirrorFeed {
    const names = ["b", "c"];
    const cluster = new StaticCluster({ peers: {} });
    const view = { ...cluster.nodes()[0] } as MirrorPeer["node"];
    const mirrorPeers = (): MirrorPeer[] =>
      peers.map((peer, index) => ({
        node: { ...view, id: names[index] as MirrorPeer["node"]["id"] },
        mirror: peer,
        failedLately: peer.failedLately,
        reportFailure: (cause) => {
          peer.failures.push(cause);
          peer.failedLately = true;
        },
      }));
    const pull = async (after: number) =>
      catalog.groups
        .filter(({ last }) => last > after)
        .map(({ first, last, hash, bytes }) => ({ first, last, hash, bytes }));
    const intake = new MirrorIntake({ mirror, pull, clock });
    return new MirrorFeed({ mirror, intake, cluster: { mirrorPeers }, ackCopies: 2, clock, log: silentLogger });
  }

  /** Commits, and has the group confirmed as a catalog does. */
  function commit(key: string): Promise<number> {
    catalog.commit([putOf(key)]);
    const group = catalog.groups.at(-1);
    if (group === undefined) throw new Error("nothing was committed");
    return feed.confirm(group.last, group);
  }

  async function commitFirst(): Promise<void> {
    const [first] = catalog.groups;
    await feed.confirm(1, first);
    await clock.advance(0);
  }

  it("brings a group to this node's mirror and to all peers', and counts enough of them", async () => {
    await commitFirst();
    expect(await commit("a")).toBeGreaterThanOrEqual(2);
    await clock.advance(0);
    for (const mirror of [own, ...peers.map((peer) => peer.mirror)]) expect(mirror.head().number).toBe(2);
  });

  it("does not wait for more peers than it takes", async () => {
    await commitFirst();
    const [, slow] = peers;
    if (slow !== undefined) slow.before = () => new Promise(() => {});
    expect(await commit("a")).toBe(2);
  });

  it("gathers what is committed while a message is on its way into the next one", async () => {
    await commitFirst();
    const [peer] = peers;
    if (peer === undefined) return;
    peer.messages.length = 0;
    await Promise.all(["a", "b", "c", "d", "e", "f"].map((key) => commit(key)));
    await clock.advance(0);
    expect(peer.messages).toEqual([1, 5]);
    expect(peer.mirror.head().number).toBe(7);
  });

  it("drops a peer without progress after two seconds, says the truth, and does not wait for it again", async () => {
    await commitFirst();
    for (const peer of peers) peer.before = () => new Promise(() => {});
    const confirmed = commit("a");
    await clock.advance(1900);
    expect(await Promise.race([confirmed, Promise.resolve("waiting")])).toBe("waiting");
    await clock.advance(200);
    expect(await confirmed).toBe(1);
    expect(peers.map(({ failures }) => failures.length)).toEqual([1, 1]);
    expect(await commit("b")).toBe(1);
  });

  it("does not call a peer sick that is behind, nor wait for it", async () => {
    await commitFirst();
    for (const peer of peers) {
      peer.before = () => Promise.reject(new KoboldError("mirror_behind", "not that far yet"));
    }
    expect(await commit("a")).toBe(1);
    expect(peers.map(({ failures }) => failures)).toEqual([[], []]);
    for (const peer of peers) {
      peer.before = async () => void (await peer.mirror.append(catalog.groups));
    }
    expect(await commit("b")).toBeGreaterThanOrEqual(2);
  });

  it("goes on when this node's own mirror fails, and does not count it", async () => {
    await commitFirst();
    const head = own.head();
    const broken = { head: () => head, append: () => Promise.reject(new KoboldError("disk_failed", "no more")) };
    feed = createFeed(broken);
    expect(await commit("a")).toBe(2);
    for (const peer of peers) peer.failedLately = true;
    const confirmed = commit("b");
    await clock.advance(6000);
    expect(await confirmed).toBe(0);
  });

  it("counts for a repeated request who has the journal that far, also from before", async () => {
    await commitFirst();
    await commit("a");
    await clock.advance(0);
    expect(await feed.confirm(2, undefined)).toBeGreaterThanOrEqual(2);
    feed = createFeed();
    expect(await feed.confirm(2, undefined)).toBeGreaterThanOrEqual(2);
    for (const peer of peers) peer.failedLately = true;
    feed = createFeed();
    expect(await feed.confirm(2, undefined)).toBe(1);
  });

  it("knows what this node committed before any mirror has it", async () => {
    await commitFirst();
    catalog.commit([putOf("a")]);
    const group = catalog.groups.at(-1);
    const confirmed = feed.confirm(2, group);
    expect(feed.known()).toMatchObject({ number: 2, hash: group?.hash });
    await confirmed;
    await own.splitOff({ number: 1, hash: catalog.groups[0]?.hash ?? "" });
    feed.forgetHistory();
    expect(feed.known()).toMatchObject({ number: 1 });
  });
});
