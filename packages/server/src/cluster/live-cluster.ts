import type { NodeId } from "@koboldfs/protocol";
import type { NodeCatalog } from "../catalog/catalog.js";
import { NODE_STATES } from "../model/node-state.js";
import { orderForPlacement, orderForReading } from "../model/placement.js";
import type { Clock } from "../runtime/clock.js";
import type { Logger } from "../runtime/logger.js";
import type { Cluster, MirrorPeer, NodeView, Peer, UpkeepPeer } from "./cluster.js";
import { viewNodes } from "./node-view.js";
import { Nudger } from "./nudger.js";
import { type KnownPeer, PeerDirectory } from "./peer-directory.js";
import type { PeerConnector } from "./peer-link.js";

export interface LiveClusterOptions {
  readonly self: NodeId;
  readonly catalog: NodeCatalog;
  /** How full this node's volumes are. */
  readonly space: () => Promise<{ freeBytes: number; totalBytes: number }>;
  readonly connect: PeerConnector;
  /** Time between two heartbeats, the same on every node. */
  readonly intervalMs: number;
  readonly clock: Clock;
  /** Answers numbers in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  /** Called when somebody here found out that this node owes something. */
  readonly onOwnDebt: () => void;
  /** Called once when the catalog says that this node may not take part any more. */
  readonly onExpelled: () => void;
}

/** The cluster as heartbeats show it. While the catalog is away the last view stands. */
export class LiveCluster implements Cluster {
  readonly self: NodeId;
  readonly #options: LiveClusterOptions;
  readonly #peers: PeerDirectory;
  readonly #nudger: Nudger;
  readonly #stopping = new AbortController();
  #nodes: readonly NodeView[] = [];
  #running: Promise<void> | undefined;
  /** Monotonic time of the first heartbeat in an unbroken row; undefined while the catalog is away. */
  #steadySinceMs: number | undefined;
  #expelled = false;

  constructor(options: LiveClusterOptions) {
    this.#options = options;
    this.self = options.self;
    this.#peers = new PeerDirectory(options);
    this.#nudger = new Nudger({
      clock: options.clock,
      log: options.log,
      send: async (node, signal) => this.#peers.findLink(node)?.nudge(signal),
    });
  }

  /** Resolves after the first heartbeat, which must succeed; then they go on by themselves. */
  async start(): Promise<void> {
    await this.#beat();
    this.#running = this.#beatOn();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#nudger.close();
    await this.#running;
    await this.#peers.close();
  }

  nodes(): readonly NodeView[] {
    return this.#nodes;
  }

  placementPeers(): readonly Peer[] {
    const takers = this.#candidates().filter(({ node }) => NODE_STATES[node.state].takesPuts);
    return orderForPlacement(takers, this.#ownZone(), this.#options.random);
  }

  readingPeers(): readonly Peer[] {
    const servers = this.#candidates().filter(({ node }) => NODE_STATES[node.state].serves);
    return orderForReading(servers, this.#ownZone(), this.#options.random);
  }

  mirrorPeers(): readonly MirrorPeer[] {
    return this.#peers.list().filter(({ node }) => NODE_STATES[node.state].serves);
  }

  upkeepPeers(): readonly UpkeepPeer[] {
    return this.#peers.list().filter(({ node }) => NODE_STATES[node.state].serves);
  }

  nudge(nodes: readonly NodeId[]): void {
    for (const node of nodes) {
      if (node === this.self) this.#options.onOwnDebt();
      else this.#nudger.nudge(node);
    }
  }

  #candidates(): (KnownPeer & { zone: string; freeBytes: number })[] {
    return this.#peers.list().map((peer) => ({ ...peer, zone: peer.node.zone, freeBytes: peer.node.freeBytes }));
  }

  #ownZone(): string {
    return this.#nodes.find(({ id }) => id === this.self)?.zone ?? "";
  }

  async #beatOn(): Promise<void> {
    const { clock, intervalMs, log } = this.#options;
    const { signal } = this.#stopping;
    await clock.sleep(intervalMs, signal);
    while (!signal.aborted) {
      try {
        const awayBefore = this.#steadySinceMs === undefined;
        await this.#beat();
        if (awayBefore) log.info({}, "the catalog answers again");
      } catch (error) {
        if (this.#steadySinceMs !== undefined && !signal.aborted) {
          log.warn(
            { err: error },
            "the catalog does not take heartbeats; the last view of the cluster stands meanwhile",
          );
        }
        this.#steadySinceMs = undefined;
      }
      await clock.sleep(intervalMs, signal);
    }
  }

  async #beat(): Promise<void> {
    const { catalog, clock, intervalMs, space } = this.#options;
    const records = await catalog.heartbeat(this.self, await space());
    this.#steadySinceMs ??= clock.monotonic();
    const steadyForMs = clock.monotonic() - this.#steadySinceMs;
    const nodes = viewNodes(records, { self: this.self, intervalMs, previous: this.#nodes, steadyForMs });
    this.#logChanges(nodes);
    this.#nodes = nodes;
    this.#peers.update(nodes.filter((node) => node.id !== this.self && node.state !== "dead"));
    this.#noticeExpulsion();
  }

  #logChanges(nodes: readonly NodeView[]): void {
    for (const node of nodes.filter(({ id }) => id !== this.self)) {
      const before = this.#nodes.find(({ id }) => id === node.id);
      if (before?.state === node.state && before.url === node.url) continue;
      const fields = { peer: node.name, state: node.state, url: node.url, before: before?.state };
      if (node.state === "down" && before !== undefined) this.#options.log.warn(fields, `node ${node.name} is down`);
      else this.#options.log.info(fields, `node ${node.name} is ${node.state}`);
    }
  }

  #noticeExpulsion(): void {
    const own = this.#nodes.find(({ id }) => id === this.self);
    if (this.#expelled || (own !== undefined && NODE_STATES[own.state].mayReturn)) return;
    this.#expelled = true;
    this.#options.log.error({ id: this.self }, "the catalog says that this node is dead or gone; it may not go on");
    this.#options.onExpelled();
  }
}
