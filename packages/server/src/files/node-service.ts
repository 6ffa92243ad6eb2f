import {
  KoboldError,
  type NodeId,
  type NodeName,
  type NodeOrder,
  type NodePlan,
  type SoleBlob,
} from "@koboldfs/protocol";
import type {
  BlobCount,
  CommitCatalog,
  CopyCatalog,
  NodeCatalog,
  NodeRecord,
  OwedQuestion,
  TransactionCatalog,
} from "../catalog/catalog.js";
import type { Cluster } from "../cluster/cluster.js";
import type { Change } from "../model/change.js";
import { isDispensable, listOtherHolders, type OtherHolders } from "../model/node-plan.js";
import { NODE_STATES } from "../model/node-state.js";

/** Blobs listed at once: enough to see what it is about; more are counted. */
const MAX_LISTED_BLOBS = 1_000;
const NOTHING: BlobCount = { files: 0, bytes: 0n };

type NodeServiceCatalog = CommitCatalog & NodeCatalog & CopyCatalog & Pick<TransactionCatalog, "countStagedOn">;

/** What operators order of nodes. Every method throws `node_not_found` and `catalog_unavailable`. */
export class NodeService {
  readonly #catalog: NodeServiceCatalog;
  readonly #cluster: Cluster;

  constructor(catalog: NodeServiceCatalog, cluster: Cluster) {
    this.#catalog = catalog;
    this.#cluster = cluster;
  }

  /** What would become of the files if this node were not there. */
  async getPlan(name: NodeName): Promise<NodePlan> {
    const { node, others } = await this.#find(name);
    const [owed, onlyHere, staged] = await Promise.all([
      this.#countOwed(node, others),
      this.#countOnlyHere(node, others),
      this.#catalog.countStagedOn(node.id, "any"),
    ]);
    return {
      node: node.name,
      state: this.#stateOf(node),
      order: node.state,
      holders: others.holders.map((holder) => holder.name),
      filling: others.filling.map((holder) => holder.name),
      ...{ owedFiles: owed.files, owedBytes: owed.bytes.toString() },
      ...{ onlyHereFiles: onlyHere.files, onlyHereBytes: onlyHere.bytes.toString() },
      ...{ stagedFiles: staged.files, stagedBytes: staged.bytes.toString() },
      // What is staged here only becomes somebody's debt when its transaction is prepared or committed.
      isDispensable: isDispensable(others, owed.files + staged.files),
    };
  }

  /** The first blobs that no other node is known to have. While all others are filled themselves, they cannot be listed. */
  async listSoleBlobs(name: NodeName): Promise<SoleBlob[]> {
    const { node, others } = await this.#find(name);
    if (others.complete.length === 0) return [];
    const blobs = await this.#catalog.listOwed(owedByAll(node, others), MAX_LISTED_BLOBS);
    return blobs.map(({ namespace, digest, sizeBytes }) => ({ namespace, digest, size: sizeBytes }));
  }

  /**
   * Orders a state. Throws `last_holder`, `node_dead`, and `sole_copies` for a death with which files would be lost,
   * unless it is forced.
   */
  async order(name: NodeName, { order, force }: { order: NodeOrder; force: boolean }): Promise<void> {
    const { node, others } = await this.#find(name);
    if (!NODE_STATES[order].serves && !force) await this.#checkDispensable(node, others);
    await this.#commit({ kind: "set-node-state", node: node.id, state: order });
  }

  /**
   * Lets a node come back without its disks, or without some of them, as itself: what it lost is fetched from the others.
   * Throws `node_running` while it still sends heartbeats, `node_dead`, and `last_holder` when nobody else has the files.
   */
  async refill(name: NodeName): Promise<void> {
    const { node, others } = await this.#find(name);
    if (!NODE_STATES[node.state].mayReturn) throw new KoboldError("node_dead", `node ${name} was declared dead`);
    if (this.#stateOf(node) !== "down") throw new KoboldError("node_running", `node ${name} sends heartbeats`);
    if (others.holders.length === 0) throw new KoboldError("last_holder", `no other node has the files of ${name}`);
    await this.#commit({ kind: "refill-node", node: node.id, forgetVolumes: true });
  }

  async #checkDispensable(node: NodeRecord, others: OtherHolders): Promise<void> {
    const [onlyHere, staged] = await Promise.all([
      this.#countOnlyHere(node, others),
      this.#catalog.countStagedOn(node.id, "sole"),
    ]);
    if (staged.files > 0) {
      const message = `${staged.files} files of unfinished transactions are on node ${node.name} only`;
      throw new KoboldError("sole_copies", message);
    }
    if (onlyHere.files === 0) return;
    throw new KoboldError("sole_copies", `${onlyHere.files} files are known to be on node ${node.name} only`);
  }

  #countOwed(node: NodeRecord, { holders }: OtherHolders): Promise<BlobCount> | BlobCount {
    if (holders.length === 0) return NOTHING;
    return this.#catalog.countOwed({ by: holders.map(({ id }) => id), atLeast: 1, notBy: node.id });
  }

  /** Of nodes that are still filled nothing is known: when there are no others, everything may be only here. */
  #countOnlyHere(node: NodeRecord, others: OtherHolders): Promise<BlobCount> {
    return others.complete.length === 0 ? this.#catalog.countBlobs() : this.#catalog.countOwed(owedByAll(node, others));
  }

  async #find(name: NodeName): Promise<{ node: NodeRecord; others: OtherHolders }> {
    const nodes = await this.#catalog.listNodes();
    const called = nodes.filter((node) => node.name === name);
    // A dead node's name may have been given to its successor.
    const node = called.find(({ state }) => NODE_STATES[state].mayReturn) ?? called[0];
    if (node === undefined) throw new KoboldError("node_not_found", `there is no node ${name}`);
    return { node, others: listOtherHolders(nodes, node.id) };
  }

  #stateOf(node: NodeRecord): NodePlan["state"] {
    return this.#cluster.nodes().find(({ id }) => id === node.id)?.state ?? node.state;
  }

  async #commit(change: Change): Promise<void> {
    const outcome = await this.#catalog.commit(change);
    if (!outcome.ok) throw outcome.error;
  }
}

function owedByAll(node: { id: NodeId }, { complete }: OtherHolders): OwedQuestion {
  return { by: complete.map(({ id }) => id), atLeast: complete.length, notBy: node.id };
}
