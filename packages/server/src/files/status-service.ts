import type { NodeInfo, StatusReply } from "@koboldfs/protocol";
import type { Catalog, DebtCount, NodeRecord } from "../catalog/catalog.js";
import type { Cluster } from "../cluster/cluster.js";

/** How the cluster is. Every method throws `catalog_unavailable`. */
export class StatusService {
  readonly #catalog: Catalog;
  readonly #cluster: Cluster;

  constructor(catalog: Catalog, cluster: Cluster) {
    this.#catalog = catalog;
    this.#cluster = cluster;
  }

  async listNodes(): Promise<NodeInfo[]> {
    const [records, debts] = await Promise.all([this.#catalog.listNodes(), this.#catalog.countDebts()]);
    return Promise.all(
      records.map(async (record) => {
        const debt = debts.find(({ node }) => node === record.id);
        const since = debt && (await this.#catalog.findEntryTime(debt.oldest));
        return this.#describe(record, debt, since);
      }),
    );
  }

  async getStatus(): Promise<StatusReply> {
    const catalog = this.#catalog;
    const [head, nodes, namespaces] = await Promise.all([catalog.head(), this.listNodes(), catalog.listNamespaces()]);
    const self = nodes.find((node) => node.id === this.#cluster.self);
    return {
      cluster: catalog.clusterId,
      node: self?.name ?? this.#cluster.self,
      catalog: catalog.engine,
      head: head.number,
      nodes,
      namespaces,
    };
  }

  #describe(record: NodeRecord, debt: DebtCount | undefined, since: Date | undefined): NodeInfo {
    const { id, name, url, zone, heartbeatAgeMs, freeBytes, totalBytes } = record;
    const seen = this.#cluster.nodes().find((node) => node.id === id);
    return {
      id,
      name,
      url,
      // A node that joined after this one's last heartbeat is not asked for anything by this one yet.
      state: seen?.state ?? (record.state === "dead" ? "dead" : "down"),
      order: record.state,
      zone,
      heartbeatAgeMs,
      freeBytes,
      totalBytes,
      debtFiles: debt?.files ?? 0,
      debtBytes: String(debt?.bytes ?? 0n),
      ...(since !== undefined && { debtSince: since.toISOString() }),
      backfill: backfillShare(record),
    };
  }
}

function backfillShare({ joinedAt, backfillPosition }: NodeRecord): number {
  return backfillPosition >= joinedAt ? 1 : backfillPosition / joinedAt;
}
