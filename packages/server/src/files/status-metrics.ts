import type {
  NamespaceInfo,
  NodeInfo,
  NodeUpkeep,
  StatusReply,
  TransactionCounts,
  VolumeInfo,
  WebhookInfo,
} from "@koboldfs/protocol";
import { NODE_STATES } from "../model/node-state.js";
import type { MetricSample, MetricValues } from "./metric-table.js";

/**
 * A status as metrics: what both say is the same. What is not known is left out, and 0 stands for nothing else than 0: as
 * of a mirror nobody knows of debts, room and heartbeats.
 */
export function describeStatus(status: StatusReply, nowMs: number): MetricValues {
  const { asOf, cluster, catalog, epoch, head, namespaces, node, nodes, transactions, webhooks } = status;
  // A node may have the name of a dead one, of which there is nothing more to tell.
  const living = nodes.filter(({ order }) => NODE_STATES[order].mayReturn);
  const own = living.find(({ name }) => name === node)?.upkeep;
  return {
    koboldfs_catalog_up: one(asOf === undefined ? 1 : 0),
    koboldfs_catalog_epoch: one(epoch),
    koboldfs_journal_head_number: one(head),
    ...describeNamespaces(namespaces),
    koboldfs_node_state: nodes.map(({ name, id, zone, state, order }) =>
      labelled({ node: name, id, zone, state, order }, 1),
    ),
    koboldfs_mirror_lag_entries: ofNodes(living, ({ mirror }) => mirror?.lag),
    koboldfs_node_info: [labelled({ cluster, node, catalog }, 1)],
    ...(asOf === undefined && describeNodes(living, nowMs)),
    ...describeWebhooks(webhooks),
    ...(transactions !== undefined && describeTransactions(transactions, nowMs)),
    ...(own !== undefined && { ...describeVolumes(own.volumes), ...describeScrub(own, nowMs) }),
  };
}

function describeNamespaces(namespaces: readonly NamespaceInfo[]): MetricValues {
  const ofEach = (pick: (namespace: NamespaceInfo) => number | undefined) =>
    namespaces.flatMap((namespace) => {
      const value = pick(namespace);
      return value === undefined ? [] : [labelled({ namespace: namespace.name }, value)];
    });
  return {
    koboldfs_namespace_files: ofEach(({ files }) => files),
    koboldfs_namespace_bytes: ofEach(({ bytes }) => Number(bytes)),
    koboldfs_namespace_max_files: ofEach(({ maxFiles }) => maxFiles),
    koboldfs_namespace_max_bytes: ofEach(({ maxBytes }) => maxBytes),
  };
}

/** What only the catalog knows of nodes. */
function describeNodes(nodes: readonly NodeInfo[], nowMs: number): MetricValues {
  return {
    koboldfs_node_heartbeat_age_seconds: ofNodes(nodes, ({ heartbeatAgeMs }) => heartbeatAgeMs / 1000),
    koboldfs_node_free_bytes: ofNodes(nodes, ({ freeBytes }) => freeBytes),
    koboldfs_node_size_bytes: ofNodes(nodes, ({ totalBytes }) => totalBytes),
    koboldfs_debt_files: ofNodes(nodes, ({ debtFiles }) => debtFiles),
    koboldfs_debt_bytes: ofNodes(nodes, ({ debtBytes }) => Number(debtBytes)),
    koboldfs_debt_oldest_age_seconds: ofNodes(nodes, ({ debtFiles, debtSince }) =>
      debtFiles === 0 ? 0 : secondsSince(debtSince, nowMs),
    ),
    koboldfs_backfill_ratio: ofNodes(nodes, ({ backfill }) => backfill),
  };
}

/** None as of a mirror. By id: a URL may hold a secret. */
function describeWebhooks(webhooks: readonly WebhookInfo[]): MetricValues {
  return {
    koboldfs_webhook_lag_entries: webhooks.map(({ id, behind }) => labelled({ webhook: id }, behind)),
    koboldfs_webhook_failures: webhooks.map(({ id, failures }) => labelled({ webhook: id }, failures)),
  };
}

/** Each transaction in one state, so that the sum over states is their number. */
function describeTransactions(counts: TransactionCounts, nowMs: number): MetricValues {
  const { open, prepared, inDoubt, stagedBytes, oldestOpen, oldestPrepared } = counts;
  const ages = {
    open: open === 0 ? 0 : secondsSince(oldestOpen, nowMs),
    prepared: prepared === 0 ? 0 : secondsSince(oldestPrepared, nowMs),
  };
  return {
    koboldfs_transactions: byLabel("state", { open, prepared: prepared - inDoubt, in_doubt: inDoubt }),
    koboldfs_transactions_staged_bytes: one(stagedBytes),
    koboldfs_transactions_oldest_age_seconds: byLabel("state", ages),
  };
}

function describeVolumes(volumes: readonly VolumeInfo[]): MetricValues {
  return {
    koboldfs_volume_state: volumes.map(({ id, path, state }) => labelled({ volume: id, path, state }, 1)),
    koboldfs_volume_free_bytes: volumes.map(({ id, path, freeBytes }) => labelled({ volume: id, path }, freeBytes)),
    koboldfs_volume_size_bytes: volumes.map(({ id, path, totalBytes }) => labelled({ volume: id, path }, totalBytes)),
  };
}

function describeScrub({ scrub }: NodeUpkeep, nowMs: number): MetricValues {
  return {
    koboldfs_scrub_proven_ratio: one(scrub.proven),
    koboldfs_scrub_oldest_proof_age_seconds: one(secondsSince(scrub.provenSince, nowMs)),
    koboldfs_scrub_findings_total: byLabel("finding", scrub.findings),
  };
}

function one(value: number | undefined): MetricSample[] {
  return value === undefined ? [] : [{ value }];
}

function labelled(labels: Readonly<Record<string, string>>, value: number): MetricSample {
  return { labels, value };
}

function byLabel(label: string, values: Readonly<Record<string, number | undefined>>): MetricSample[] {
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : labelled({ [label]: name }, value),
  );
}

function ofNodes(nodes: readonly NodeInfo[], value: (node: NodeInfo) => number | undefined): MetricSample[] {
  return byLabel("node", Object.fromEntries(nodes.map((node) => [node.name, value(node)])));
}

/** Never below 0: who set the time may have a clock that is ahead. */
function secondsSince(time: string | undefined, nowMs: number): number | undefined {
  return time === undefined ? undefined : Math.max(0, nowMs - Date.parse(time)) / 1000;
}
