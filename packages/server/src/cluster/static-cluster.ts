import type { NodeId, NodeName } from "@koboldfs/protocol";
import type { BlobStore } from "../blobs/blob-store.js";
import type { Cluster, MirrorPeer, NodeView, Peer, UpkeepPeer } from "./cluster.js";

export interface StaticClusterOptions {
  /** Stores of the other nodes, by name, in the order in which they are asked. */
  readonly peers?: Readonly<Record<string, BlobStore>>;
  readonly self?: Partial<NodeView>;
}

/** A cluster that is what it is told to be, and remembers what it was told: for tests of what stands above it. */
export class StaticCluster implements Cluster {
  readonly self: NodeId;
  /** Names of the peers that were reported, in order. */
  readonly failures: string[] = [];
  readonly nudged: NodeId[] = [];
  #own: NodeView;
  #peers: Peer[] = [];

  constructor(options: StaticClusterOptions = {}) {
    this.#own = { ...nodeNamed("self"), ...options.self };
    this.self = this.#own.id;
    this.setPeers(options.peers ?? {});
  }

  setPeers(stores: Readonly<Record<string, BlobStore>>): void {
    this.#peers = Object.entries(stores).map(([name, store]) => ({
      node: nodeNamed(name),
      store,
      reportFailure: () => void this.failures.push(name),
    }));
  }

  setSelf(changed: Partial<NodeView>): void {
    this.#own = { ...this.#own, ...changed };
  }

  /** When each of these nodes joined. */
  setJoined(joined: ReadonlyMap<NodeId, number>): void {
    const enter = (node: NodeView): NodeView => ({ ...node, joinedAt: joined.get(node.id) ?? node.joinedAt });
    this.#own = enter(this.#own);
    this.#peers = this.#peers.map((peer) => ({ ...peer, node: enter(peer.node) }));
  }

  nodes(): readonly NodeView[] {
    return [this.#own, ...this.#peers.map(({ node }) => node)];
  }

  placementPeers(): readonly Peer[] {
    return this.#peers;
  }

  readingPeers(): readonly Peer[] {
    return this.#peers;
  }

  /** Set by tests of mirrors. */
  mirrors: readonly MirrorPeer[] = [];

  mirrorPeers(): readonly MirrorPeer[] {
    return this.mirrors;
  }

  /** Set by tests of upkeep. */
  upkeeps: readonly UpkeepPeer[] = [];

  upkeepPeers(): readonly UpkeepPeer[] {
    return this.upkeeps;
  }

  nudge(nodes: readonly NodeId[]): void {
    this.nudged.push(...nodes);
  }
}

/** An id made of the name, so that one name is one node. */
function nodeNamed(name: string): NodeView {
  return {
    id: Buffer.from(name.padEnd(8, "_")).toString("hex").slice(0, 16) as NodeId,
    name: name as NodeName,
    url: `http://${name}.invalid`,
    zone: "default",
    state: "alive",
    volumes: [],
    heartbeatAgeMs: 0,
    freeBytes: 1e12,
    totalBytes: 1e12,
    joinedAt: 1,
    backfillPosition: 1,
  };
}
