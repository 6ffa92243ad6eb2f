import type { BeginOptions, CoupledOptions, TransactionOptions } from "./client-options.js";
import { ClusterClient } from "./cluster-client.js";
import { ClusterFace } from "./cluster-face.js";
import type { DatabaseAdapter } from "./databases/database-adapter.js";
import { type CoupledWork, runCoupled } from "./databases/run-coupled.js";
import { NamespaceClient } from "./namespace-client.js";
import type { Session } from "./session/session.js";
import { runTransaction } from "./transactions/run-transaction.js";
import { Transaction } from "./transactions/transaction.js";
import type { TransactionFace } from "./transactions/transaction-face.js";

/** The clients of one session. Whoever opened the session gives it here; it is closed here. */
export class SessionPool extends ClusterClient {
  readonly #session: Session;
  readonly #transactions: TransactionFace;

  constructor(session: Session) {
    const cluster = new ClusterFace(session);
    super(cluster);
    this.#session = session;
    this.#transactions = cluster.transactions;
  }

  /**
   * The files of one namespace, which need not exist yet. Costs nothing: call it wherever a client is wanted. Throws
   * `invalid_namespace`.
   */
  client(namespace: string): NamespaceClient {
    return new NamespaceClient(namespace, this.#session);
  }

  /** Begins a transaction over any of the namespaces, which you commit or abort yourself; see `Transaction`. */
  async begin(options: BeginOptions = {}): Promise<Transaction<NamespaceClient>> {
    const { id } = await this.#transactions.begin(options);
    const createClient = (namespace: string, session: Session) => new NamespaceClient(namespace, session);
    return new Transaction({ id, face: this.#transactions, session: this.#session, createClient });
  }

  /**
   * Does the work in a transaction over any of the namespaces, commits when it returns and aborts when it throws.
   *
   * ```ts
   * import { ClientPool } from "@koboldfs/client";
   *
   * const pool = new ClientPool({ servers: ["http://127.0.0.1:9876"] });
   * for (const name of ["photos", "thumbnails"]) await pool.client(name).createNamespace();
   * await pool.transaction(async (tx) => {
   *   await tx.client("photos").put("cat.jpg", Buffer.from("a cat"));
   *   await tx.client("thumbnails").put("cat.jpg", Buffer.from("a small cat"));
   * });
   * (await pool.client("thumbnails").stat("cat.jpg"))?.size; // => 11
   * await pool.close();
   * ```
   */
  async transaction<Result>(
    work: (tx: Transaction<NamespaceClient>) => Promise<Result>,
    options: TransactionOptions = {},
  ): Promise<Result> {
    return runTransaction(await this.begin(options), work, options);
  }

  /** As `withDatabase` of a client of a namespace, over any of the namespaces. */
  async withDatabase<Sql, Result>(
    adapter: DatabaseAdapter<Sql>,
    work: (parts: CoupledWork<Transaction<NamespaceClient>, Sql>) => Promise<Result>,
    options: CoupledOptions = {},
  ): Promise<Result> {
    return runCoupled(adapter, { begin: (within) => this.begin(within), work, options });
  }

  /** Lets what is under way finish and closes the connections. What any client of this pool is asked afterwards throws. */
  close(): Promise<void> {
    return this.#session.close();
  }
}
