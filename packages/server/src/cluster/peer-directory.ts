import type { NodeId } from "@koboldfs/protocol";
import type { Clock } from "../runtime/clock.js";
import type { Logger } from "../runtime/logger.js";
import type { MirrorPeer, NodeView, Peer, UpkeepPeer } from "./cluster.js";
import { FailureMemory } from "./failure-memory.js";
import type { PeerConnector, PeerLink } from "./peer-link.js";

export interface PeerDirectoryOptions {
  readonly connect: PeerConnector;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Entry {
  node: NodeView;
  readonly url: string;
  readonly link: PeerLink;
  readonly failures: FailureMemory;
}

/** A peer, and whether it failed a moment ago. */
export interface KnownPeer extends Peer, MirrorPeer, UpkeepPeer {}

/** The ways to all other nodes, opened and closed as nodes come, move and go. */
export class PeerDirectory {
  readonly #options: PeerDirectoryOptions;
  readonly #entries = new Map<NodeId, Entry>();

  constructor(options: PeerDirectoryOptions) {
    this.#options = options;
  }

  /** Takes over what is known of the other nodes. A node that moved gets a new way, without the memory of failures. */
  update(nodes: readonly NodeView[]): void {
    const kept = new Set(nodes.map(({ id }) => id));
    for (const [id, entry] of this.#entries) if (!kept.has(id)) this.#forget(entry);
    for (const node of nodes) {
      const entry = this.#entries.get(node.id);
      if (entry?.url === node.url) {
        entry.node = node;
        continue;
      }
      if (entry !== undefined) this.#forget(entry);
      this.#entries.set(node.id, this.#open(node));
    }
  }

  list(): KnownPeer[] {
    return [...this.#entries.values()].map(({ node, link, failures }) => ({
      node,
      store: link.store,
      mirror: link.mirror,
      upkeep: link.upkeep,
      failedLately: failures.failedLately,
      reportFailure: (cause) => failures.report(cause),
    }));
  }

  findLink(node: NodeId): PeerLink | undefined {
    return this.#entries.get(node)?.link;
  }

  async close(): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    for (const { failures } of entries) failures.close();
    await Promise.all(entries.map(({ link }) => link.close()));
  }

  #open(node: NodeView): Entry {
    const { clock, connect, log } = this.#options;
    const link = connect(node);
    const failures = new FailureMemory({
      clock,
      ping: (signal) => link.ping(signal),
      complain: (cause) =>
        log.warn({ err: cause, peer: node.name }, `node ${node.name} failed and is asked last for a while`),
    });
    return { node, url: node.url, link, failures };
  }

  #forget(entry: Entry): void {
    this.#entries.delete(entry.node.id);
    entry.failures.close();
    entry.link.close().catch((error: unknown) => {
      this.#options.log.warn({ err: error, peer: entry.node.name }, "the connections to a node could not be closed");
    });
  }
}
