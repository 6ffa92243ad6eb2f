/** What a value of a metric is told with, and what it means; docs/operating.md is held against this table by a test. */
export interface MetricRule {
  /** `counter`: never falls while the process lives; `histogram`: counts by size, as Prometheus has them. */
  readonly type: "gauge" | "counter" | "histogram";
  /**
   * Whose it is. `cluster`: what all nodes share, told by each, so that no node's death hides it. `node`: of the node that
   * answers. `process`: of its node process.
   */
  readonly scope: "cluster" | "node" | "process";
  readonly labels: readonly string[];
  readonly help: string;
}

/**
 * Every metric. `process_` and `nodejs_` are the names that Prometheus and its clients gave to what all programs have:
 * dashboards know them.
 */
export const METRICS = {
  koboldfs_catalog_up: {
    ...gauge("cluster"),
    help: "1 while the node reads names from the catalog, 0 while that does not answer or lacks what the node knows",
  },
  koboldfs_catalog_epoch: {
    ...gauge("cluster"),
    help: "How often the catalog was completed from mirrors or replaced",
  },
  koboldfs_journal_head_number: {
    ...gauge("cluster"),
    help: "Last number of the journal; of the mirror while the catalog is away",
  },
  koboldfs_namespace_files: { ...gauge("cluster", "namespace"), help: "Files of the namespace" },
  koboldfs_namespace_bytes: { ...gauge("cluster", "namespace"), help: "Bytes of all files of the namespace" },
  koboldfs_namespace_max_files: {
    ...gauge("cluster", "namespace"),
    help: "Quota: files that the namespace may hold; none of a namespace without that quota",
  },
  koboldfs_namespace_max_bytes: {
    ...gauge("cluster", "namespace"),
    help: "Quota: bytes that the namespace may hold; none of a namespace without that quota",
  },
  koboldfs_node_state: {
    ...gauge("cluster", "node", "id", "zone", "state", "order"),
    help: "1 for the state in which the node is seen and the order that its operator gave; of dead nodes there is nothing else",
  },
  koboldfs_node_heartbeat_age_seconds: { ...gauge("cluster", "node"), help: "Since the last heartbeat of the node" },
  koboldfs_node_free_bytes: { ...gauge("cluster", "node"), help: "What the node's volumes still take" },
  koboldfs_node_size_bytes: { ...gauge("cluster", "node"), help: "What the node's volumes hold in all" },
  koboldfs_debt_files: { ...gauge("cluster", "node"), help: "Blobs that the node should hold and does not yet" },
  koboldfs_debt_bytes: {
    ...gauge("cluster", "node"),
    help: "Bytes of the blobs that the node should hold and does not yet",
  },
  koboldfs_debt_oldest_age_seconds: {
    ...gauge("cluster", "node"),
    help: "Since the oldest debt of the node was made, 0 without debts",
  },
  koboldfs_backfill_ratio: {
    ...gauge("cluster", "node"),
    help: "Share of its backfill that the node has done, 1 when it is complete",
  },
  koboldfs_mirror_lag_entries: {
    ...gauge("cluster", "node"),
    help: "Entries of the journal that the mirror of the node lacks; none of a node that does not answer",
  },
  koboldfs_webhook_lag_entries: {
    ...gauge("cluster", "webhook"),
    help: "Entries of the journal behind the place of the webhook, of interest to it or not",
  },
  koboldfs_webhook_failures: { ...gauge("cluster", "webhook"), help: "Attempts in a row that failed" },
  koboldfs_transactions: {
    ...gauge("cluster", "state"),
    help: "Unfinished transactions: open, prepared, or in_doubt, which is prepared for more than five minutes",
  },
  koboldfs_transactions_staged_bytes: { ...gauge("cluster"), help: "Bytes that unfinished transactions have staged" },
  koboldfs_transactions_oldest_age_seconds: {
    ...gauge("cluster", "state"),
    help: "Since the oldest open transaction was begun, and since the oldest prepared one (in doubt or not) was prepared, 0 without any",
  },
  koboldfs_node_info: {
    ...gauge("node", "cluster", "node", "catalog"),
    help: "1, and who answers: cluster, node, engine of the catalog",
  },
  koboldfs_volume_state: {
    ...gauge("node", "volume", "path", "state"),
    help: "1 for the state of the volume: good, full or out",
  },
  koboldfs_volume_free_bytes: {
    ...gauge("node", "volume", "path"),
    help: "What the volume still takes, 0 while it is out",
  },
  koboldfs_volume_size_bytes: {
    ...gauge("node", "volume", "path"),
    help: "What the volume holds in all, 0 while it is out",
  },
  koboldfs_scrub_proven_ratio: {
    ...gauge("node"),
    help: "Share of the node's shards that were proven within scrub_days",
  },
  koboldfs_scrub_oldest_proof_age_seconds: {
    ...gauge("node"),
    help: "Within which time every copy of the node was proven; none while some never were",
  },
  koboldfs_scrub_findings_total: {
    ...counter("node", "finding"),
    help: "What scrubs of the node found since its process started",
  },
  koboldfs_event_loop_delay_seconds: {
    ...{ type: "histogram", scope: "process", labels: [] },
    help: "How much later than it should a timer of every 100 ms came, because the process was busy",
  },
  process_cpu_seconds_total: {
    ...counter("process"),
    help: "CPU time that the process took, in its own code and in the kernel",
  },
  process_resident_memory_bytes: { ...gauge("process"), help: "Memory that the process holds" },
  process_open_fds: { ...gauge("process"), help: "Files and sockets that the process has open; on Linux" },
  process_max_fds: { ...gauge("process"), help: "How many it may have open; on Linux, where there is a limit" },
  process_start_time_seconds: { ...gauge("process"), help: "When the process started, in seconds since 1970" },
  nodejs_heap_size_used_bytes: { ...gauge("process"), help: "Of the heap of JavaScript, what is in use" },
  nodejs_heap_size_total_bytes: { ...gauge("process"), help: "Size of the heap of JavaScript" },
  nodejs_external_memory_bytes: { ...gauge("process"), help: "Memory outside of that heap, buffers with it" },
} as const satisfies Record<string, MetricRule>;

export type MetricName = keyof typeof METRICS;

/** In the order in which they are told. */
export const METRIC_NAMES = Object.keys(METRICS) as readonly MetricName[];

export interface MetricSample {
  /** Behind the metric's name; of histograms only. */
  readonly suffix?: "_bucket" | "_sum" | "_count";
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What is known. A metric of which nothing is known has no samples, or is not there. */
export type MetricValues = Readonly<Partial<Record<MetricName, readonly MetricSample[]>>>;

function gauge(scope: MetricRule["scope"], ...labels: string[]): Omit<MetricRule, "help"> {
  return { type: "gauge", scope, labels };
}

function counter(scope: MetricRule["scope"], ...labels: string[]): Omit<MetricRule, "help"> {
  return { type: "counter", scope, labels };
}
