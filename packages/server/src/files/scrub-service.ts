import {
  KoboldError,
  type NodeId,
  type NodeName,
  parseNodeName,
  type ScrubReply,
  type ScrubRequest,
} from "@koboldfs/protocol";
import type { Cluster } from "../cluster/cluster.js";
import type { PeerUpkeep } from "../cluster/peer-upkeep.js";

export interface ScrubServiceOptions {
  readonly cluster: Pick<Cluster, "self" | "nodes" | "upkeepPeers">;
  /** This node's own. */
  readonly upkeep: PeerUpkeep;
}

/** A node that answers slower than this is left out of an answer. */
const PEER_ANSWER_MS = 5_000;

interface Target {
  readonly name: NodeName;
  /** Undefined while the node does not answer at all. */
  readonly upkeep: PeerUpkeep | undefined;
}

/** Orders scrubs of nodes and tells how they go; any node can be asked for all. */
export class ScrubService {
  readonly #options: ScrubServiceOptions;

  constructor(options: ScrubServiceOptions) {
    this.#options = options;
  }

  /** Begins a pass, or goes on with one of the same kind. Throws `node_not_found`; for one node also `peer_failed`. */
  async order({ node, repairs }: ScrubRequest): Promise<ScrubReply> {
    const all = this.#listTargets();
    const name = node === undefined ? undefined : parseNodeName(node);
    const targets = all.filter((target) => name === undefined || target.name === name);
    if (targets.length === 0) throw new KoboldError("node_not_found", `there is no node ${name}`);
    const orders = targets.map(async ({ name: target, upkeep }) => {
      if (upkeep === undefined) throw new KoboldError("peer_failed", `node ${target} does not answer`);
      await upkeep.orderScrub({ repairs }, AbortSignal.timeout(PEER_ANSWER_MS));
    });
    if (name !== undefined) await Promise.all(orders);
    else await Promise.allSettled(orders);
    return this.#describe(targets);
  }

  /** How the scrub of every node goes. */
  getScrubs(): Promise<ScrubReply> {
    return this.#describe(this.#listTargets());
  }

  async #describe(targets: readonly Target[]): Promise<ScrubReply> {
    const nodes = targets.map(async ({ name, upkeep }) => {
      try {
        const described = await upkeep?.getUpkeep(AbortSignal.timeout(PEER_ANSWER_MS));
        return { node: name, ...(described !== undefined && { scrub: described.scrub }) };
      } catch {
        // Shown as a node that says nothing.
        return { node: name };
      }
    });
    return { nodes: await Promise.all(nodes) };
  }

  /** Nodes that may come back; the dead are nobody's. */
  #listTargets(): Target[] {
    const { cluster } = this.#options;
    const alive = cluster.nodes().filter(({ state }) => state !== "dead");
    return alive.map(({ id, name }) => ({ name, upkeep: this.#findUpkeep(id) }));
  }

  #findUpkeep(id: NodeId): PeerUpkeep | undefined {
    const { cluster, upkeep } = this.#options;
    return id === cluster.self ? upkeep : cluster.upkeepPeers().find(({ node }) => node.id === id)?.upkeep;
  }
}
