import type { MirrorInfo, NodeId, NodeInfo, NodeUpkeep, StatusReply, WorkersInfo } from "@koboldfs/protocol";
import type { Catalog, DebtCount, NodeRecord } from "../catalog/catalog.js";
import type { Cluster, MirrorPeer } from "../cluster/cluster.js";
import type { HistoryEvents } from "../cluster/history-events.js";
import type { PeerUpkeep } from "../cluster/peer-upkeep.js";
import type { MirrorHead, MirrorReader } from "../mirror/mirror.js";
import { type Amount, estimateSecondsLeft } from "../model/time-left.js";
import type { WebhookService } from "./webhook-service.js";
import type { CatalogReads, ReadAnswer } from "./catalog-reads.js";
import type { TransactionService } from "./transaction-service.js";

export interface StatusServiceOptions {
  readonly catalog: Catalog;
  readonly cluster: Cluster;
  readonly reads: CatalogReads;
  readonly mirror: Pick<MirrorReader, "head">;
  readonly events: HistoryEvents;
  readonly webhooks: Pick<WebhookService, "list">;
  /** This node's own. */
  readonly upkeep: PeerUpkeep;
  readonly transactions: Pick<TransactionService, "count">;
  /** This node's processes, when it has several. */
  readonly workers?: () => WorkersInfo | undefined;
}

/** A status is for people: a peer that takes longer than this is shown without what only it knows. */
const PEER_ANSWER_MS = 1000;

/** How the cluster is; while the catalog is away, as the mirror knows it, without debts. */
export class StatusService {
  readonly #options: StatusServiceOptions;

  constructor(options: StatusServiceOptions) {
    this.#options = options;
  }

  async listNodes(): Promise<ReadAnswer<NodeInfo[]>> {
    const { catalog, mirror, reads } = this.#options;
    const [{ value: records, asOf }, mirrors, upkeeps] = await Promise.all([
      reads.read((source) => source.listNodes()),
      this.#askMirrors(),
      this.#askUpkeeps(),
    ]);
    if (asOf !== undefined) {
      const seen = { mirrors, upkeeps, head: asOf.number };
      return { value: records.map((record) => this.#describe(record, {}, seen)), asOf };
    }
    const [debts, head] = await Promise.all([catalog.countDebts(), catalog.head()]);
    const seen = { mirrors, upkeeps, head: Math.max(head.number, mirror.head().number) };
    const value = await Promise.all(
      records.map(async (record) => {
        const debt = debts.find(({ node }) => node === record.id);
        const since = debt && (await catalog.findEntryTime(debt.oldest));
        return this.#describe(record, { debt, since }, seen);
      }),
    );
    return { value };
  }

  async getStatus(): Promise<StatusReply> {
    const { catalog, cluster, events, mirror, reads, webhooks, transactions } = this.#options;
    const [nodes, namespaces] = await Promise.all([this.listNodes(), reads.read((source) => source.listNamespaces())]);
    const asOf = nodes.asOf ?? namespaces.asOf;
    const { number, epoch } = asOf === undefined ? await catalog.head() : mirror.head();
    const self = nodes.value.find((node) => node.id === cluster.self);
    const workers = this.#options.workers?.();
    return {
      ...{ cluster: catalog.clusterId, node: self?.name ?? cluster.self, catalog: catalog.engine },
      ...{ head: number, epoch },
      ...(asOf !== undefined && { asOf: { number: asOf.number, time: asOf.time.toISOString() } }),
      history: [...events.list()],
      ...{ nodes: nodes.value, namespaces: namespaces.value },
      webhooks: asOf === undefined ? await webhooks.list() : [],
      ...(asOf === undefined && { transactions: await transactions.count() }),
      ...(workers !== undefined && { workers }),
    };
  }

  /** How far the mirrors are of all nodes that answer. */
  async #askMirrors(): Promise<Map<NodeId, MirrorHead>> {
    const { cluster, mirror } = this.#options;
    const heads = new Map<NodeId, MirrorHead>([[cluster.self, mirror.head()]]);
    const ask = async ({ node, mirror: theirs }: MirrorPeer) => {
      try {
        heads.set(node.id, await theirs.head(AbortSignal.timeout(PEER_ANSWER_MS)));
      } catch {
        // Shown as a node whose mirror is not known.
      }
    };
    await Promise.all(cluster.mirrorPeers().map(ask));
    return heads;
  }

  /** What nodes say of their disks, of all that answer. */
  async #askUpkeeps(): Promise<Map<NodeId, NodeUpkeep>> {
    const { cluster, upkeep } = this.#options;
    const found = new Map<NodeId, NodeUpkeep>();
    const ask = async (node: NodeId, source: PeerUpkeep) => {
      try {
        found.set(node, await source.getUpkeep(AbortSignal.timeout(PEER_ANSWER_MS)));
      } catch {
        // Shown as a node of whose disks nothing is known.
      }
    };
    const peers = cluster.upkeepPeers().map((peer) => ask(peer.node.id, peer.upkeep));
    await Promise.all([ask(cluster.self, upkeep), ...peers]);
    return found;
  }

  #describe(record: NodeRecord, { debt, since }: OwnDebt, { mirrors, upkeeps, head }: SeenPeers): NodeInfo {
    const { id, name, url, zone, heartbeatAgeMs, freeBytes, totalBytes } = record;
    const seen = this.#options.cluster.nodes().find((node) => node.id === id);
    const mirror = mirrors.get(id);
    const upkeep = upkeeps.get(id);
    const secondsLeft = debt && upkeep && estimateSecondsLeft(amountOf(debt), upkeep.repair);
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
      ...(secondsLeft !== undefined && { debtSecondsLeft: secondsLeft }),
      backfill: backfillShare(record),
      ...(mirror !== undefined && { mirror: describeMirror(mirror, head) }),
      ...(upkeep !== undefined && { upkeep }),
    };
  }
}

/** What the node owes, and since when. */
interface OwnDebt {
  readonly debt?: DebtCount | undefined;
  readonly since?: Date | undefined;
}

interface SeenPeers {
  readonly mirrors: ReadonlyMap<NodeId, MirrorHead>;
  readonly upkeeps: ReadonlyMap<NodeId, NodeUpkeep>;
  readonly head: number;
}

function describeMirror({ number, timeMs }: MirrorHead, head: number): MirrorInfo {
  const time = timeMs === 0 ? "" : new Date(timeMs).toISOString();
  return { number, time, lag: Math.max(0, head - number) };
}

function amountOf({ files, bytes }: DebtCount): Amount {
  return { files, bytes: Number(bytes) };
}

function backfillShare({ joinedAt, backfillPosition }: NodeRecord): number {
  return backfillPosition >= joinedAt ? 1 : backfillPosition / joinedAt;
}
