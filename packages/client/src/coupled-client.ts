import type { BeginOptions, CoupledOptions, TransactionOptions } from "./client-options.js";
import type { ClusterFace } from "./cluster-face.js";
import type { DatabaseAdapter } from "./databases/database-adapter.js";
import { type CoupledWork, runCoupled } from "./databases/run-coupled.js";
import type { HistoryClientParts } from "./history-client.js";
import { PolicyClient } from "./policy-client.js";
import type { Session } from "./session/session.js";
import { NamespaceTransaction } from "./transactions/namespace-transaction.js";
import { runTransaction } from "./transactions/run-transaction.js";

/** Transactions that begin at one namespace, with your own database or without. */
export class CoupledClient<Files> extends PolicyClient {
  readonly #session: Session;
  readonly #cluster: ClusterFace;
  readonly #createClient: (namespace: string, session: Session) => Files;

  constructor(parts: HistoryClientParts, createClient: (namespace: string, session: Session) => Files) {
    super(parts);
    this.#session = parts.session;
    this.#cluster = parts.cluster;
    this.#createClient = createClient;
  }

  /**
   * Begins a transaction that you commit or abort yourself; see `Transaction`. What it stages in this namespace goes through
   * `tx.files`. Left alone, it is aborted after `ttlMs`.
   */
  async begin(options: BeginOptions = {}): Promise<NamespaceTransaction<Files>> {
    const face = this.#cluster.transactions;
    const { id } = await face.begin(options);
    const parts = { id, face, session: this.#session, createClient: this.#createClient };
    return new NamespaceTransaction(parts, this.namespace);
  }

  /**
   * Does the work in a transaction, commits when it returns and aborts when it throws. All of it becomes current at once, for
   * every reader. What does not go through `tx` is no part of it.
   *
   * ```ts
   * await client.transaction(async (tx) => {
   *   await tx.files.put("album/1.jpg", Buffer.from("one"));
   *   await tx.files.put("album/2.jpg", Buffer.from("two"));
   *   await tx.client(client.namespace).put("album/index", Buffer.from("1.jpg 2.jpg"));
   * });
   * const failed = client.transaction(async (tx) => {
   *   await tx.files.delete("album/index");
   *   throw new Error("changed my mind");
   * });
   * await failed.catch((error) => error.message); // => "changed my mind"
   * (await client.stat("album/index"))?.size; // => 11
   * ```
   */
  async transaction<Result>(
    work: (tx: NamespaceTransaction<Files>) => Promise<Result>,
    options: TransactionOptions = {},
  ): Promise<Result> {
    return runTransaction(await this.begin(options), work, options);
  }

  /**
   * Does the work on files and on rows of your own database, and commits both or neither. What `sql` does is one transaction
   * there, which holds the decision too; it stays open while the work goes on. An error says that neither was committed, but for
   * `transaction_in_doubt`: then `recoverTransactions` finds out, which must run in any case, for what a dying process leaves behind.
   * When only the files' commit could not be heard of, the result is returned and `onUnfinished` called.
   *
   * Creates the table `koboldfs_decisions` in your database where it is missing; `formatDecisionsTable` prints its definition.
   */
  async withDatabase<Sql, Result>(
    adapter: DatabaseAdapter<Sql>,
    work: (parts: CoupledWork<NamespaceTransaction<Files>, Sql>) => Promise<Result>,
    options: CoupledOptions = {},
  ): Promise<Result> {
    return runCoupled(adapter, { begin: (within) => this.begin(within), work, options });
  }
}
