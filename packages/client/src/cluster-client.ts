import type {
  ChangeInfo,
  NamespaceInfo,
  NodeInfo,
  NodeOrderRequest,
  NodePlan,
  ScrubReply,
  ScrubRequest,
  SoleBlob,
  StatusReply,
  WebhookInfo,
  WebhookRequest,
  WebhookSecret,
  TransactionInfo,
  TransactionReply,
} from "@koboldfs/protocol";
import type { CallOptions, ChangesOptions, FinishOptions, TransactionListOptions } from "./client-options.js";
import type { ClusterFace } from "./cluster-face.js";
import type { DatabaseAdapter } from "./databases/database-adapter.js";
import { type RecoverOptions, type RecoveryReport, recoverTransactions } from "./databases/recover-transactions.js";
import { type RecoveryOptions, RecoveryTimer } from "./databases/recovery-timer.js";
import type { TransactionStep } from "./transactions/transaction-face.js";

/** What concerns the whole cluster: every client and every pool of clients answers it. */
export class ClusterClient {
  readonly #cluster: ClusterFace;

  constructor(cluster: ClusterFace) {
    this.#cluster = cluster;
  }

  /** Whether a server answers. Never throws but for the signal. */
  ping(options: CallOptions = {}): Promise<boolean> {
    return this.#cluster.ping(options);
  }

  listNamespaces(options: CallOptions = {}): Promise<NamespaceInfo[]> {
    return this.#cluster.listNamespaces(options);
  }

  /** Every node of the cluster. */
  nodes(options: CallOptions = {}): Promise<NodeInfo[]> {
    return this.#cluster.listNodes(options);
  }

  /** What would become of the files if the node were not there; also how far its draining is. */
  nodePlan(name: string, options: CallOptions = {}): Promise<NodePlan> {
    return this.#cluster.getNodePlan(name, options);
  }

  /** The first blobs that no node but this one is known to have. */
  soleBlobs(name: string, options: CallOptions = {}): Promise<SoleBlob[]> {
    return this.#cluster.listSoleBlobs(name, options);
  }

  /** Orders a state of a node. Throws `last_holder`, `node_dead` and, unless forced, `sole_copies`. */
  orderNode(name: string, order: NodeOrderRequest, options: CallOptions = {}): Promise<NodePlan> {
    return this.#cluster.orderNode(name, order, options);
  }

  /** Lets a stopped node come back without its disks, to be filled from the others. Throws `node_running`. */
  refillNode(name: string, options: CallOptions = {}): Promise<NodePlan> {
    return this.#cluster.refillNode(name, options);
  }

  /** As `changes` of a client of a namespace, of all namespaces. */
  allChanges(options: ChangesOptions = {}): AsyncIterable<ChangeInfo> {
    return this.#cluster.followChanges(options);
  }

  /** How far each node has read its copies again, and what it found. */
  scrubs(options: CallOptions = {}): Promise<ScrubReply> {
    return this.#cluster.getScrubs(options);
  }

  /** Has one node, or all, read everything again now; one that does so already goes on. Throws `node_not_found`. */
  orderScrub(request: ScrubRequest, options: CallOptions = {}): Promise<ScrubReply> {
    return this.#cluster.orderScrub(request, options);
  }

  /** Who is told of changes, and how far each is. */
  webhooks(options: CallOptions = {}): Promise<WebhookInfo[]> {
    return this.#cluster.listWebhooks(options);
  }

  /** Has a URL told of what changes from now on. Keep the secret: it is not shown again. Throws `too_many_webhooks`. */
  addWebhook(webhook: WebhookRequest, options: CallOptions = {}): Promise<WebhookSecret> {
    return this.#cluster.addWebhook(webhook, options);
  }

  /** Throws `webhook_not_found`. */
  removeWebhook(id: string, options: CallOptions = {}): Promise<void> {
    return this.#cluster.removeWebhook(id, options);
  }

  /**
   * Transactions by id, those that ended within the last 30 days too; `state` tells `open`, `prepared`, `committed` and
   * `aborted` apart.
   *
   * ```ts
   * const tx = await client.begin();
   * const open: string[] = [];
   * for await (const { id } of client.listTransactions({ state: "open" })) open.push(id);
   * open.includes(tx.id); // => true
   * await tx.abort();
   * ```
   */
  listTransactions(options: TransactionListOptions = {}): AsyncIterable<TransactionInfo> {
    return this.#cluster.transactions.list(options);
  }

  /** How a transaction stands and what it has staged, or what came of it. Throws `transaction_not_found`. */
  getTransaction(id: string, options: CallOptions = {}): Promise<TransactionReply> {
    return this.#cluster.transactions.get(id, options);
  }

  /**
   * Ends or prepares a transaction by its id, for who coordinates or recovers it: `Transaction` has the same for who began it.
   * May be repeated. `force`: also when another token began it.
   */
  finishTransaction(id: string, step: TransactionStep, options: FinishOptions = {}): Promise<TransactionInfo> {
    return this.#cluster.transactions.finish(id, step, options);
  }

  /**
   * Resolves what processes left behind that died, or lost a connection, in `withDatabase`: each prepared transaction is
   * committed if your database says that its rows were, else aborted there first and then here. Only what was begun with this
   * database is touched, and must have been begun with this client's token.
   */
  recoverTransactions(adapter: DatabaseAdapter<unknown>, options: RecoverOptions = {}): Promise<RecoveryReport> {
    return recoverTransactions(this.#cluster.transactions, adapter, options);
  }

  /** Recovers now and every minute until it is stopped. */
  startRecovery(adapter: DatabaseAdapter<unknown>, options: RecoveryOptions = {}): RecoveryTimer {
    const recover = (signal: AbortSignal) => this.recoverTransactions(adapter, { ...options, signal });
    return new RecoveryTimer(recover, options);
  }

  /** The whole cluster at one glance, as the server that answers sees it. */
  status(options: CallOptions = {}): Promise<StatusReply> {
    return this.#cluster.getStatus(options);
  }
}
