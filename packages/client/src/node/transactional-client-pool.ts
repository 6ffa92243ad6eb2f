import { AsyncLocalStorage } from "node:async_hooks";
import { KoboldError } from "@koboldfs/protocol";
import type { ClientOptions, CoupledOptions, TransactionOptions } from "../client-options.js";
import type { DatabaseAdapter } from "../databases/database-adapter.js";
import type { CoupledWork } from "../databases/run-coupled.js";
import type { NamespaceClient } from "../namespace-client.js";
import { runTransaction } from "../transactions/run-transaction.js";
import type { Transaction } from "../transactions/transaction.js";
import { ClientPool } from "./client-pool.js";

export interface TransactionalClientPoolOptions extends ClientOptions {
  /** Prepare every transaction before it is committed; see `TransactionOptions`. */
  readonly twoPhase?: boolean;
}

/** The transaction of an asynchronous context. */
interface Scope {
  readonly tx: Transaction<NamespaceClient>;
  /** What a part threw that joined: all of it must fail then, whoever caught that. */
  failure?: { readonly thrown: unknown };
}

/**
 * A pool whose clients join the transaction of their caller: inside of `transaction` every call of every client of this
 * pool is part of it, wherever it stands and whether it knows of transactions or not. Outside it is an ordinary pool.
 *
 * ```ts
 * import { ClientPool } from "@koboldfs/client";
 * import { TransactionalClientPool } from "@koboldfs/client";
 *
 * const pool = new TransactionalClientPool({ servers: ["http://127.0.0.1:9876"], twoPhase: true });
 * for (const name of ["photos", "thumbnails"]) await pool.client(name).createNamespace();
 *
 * // Knows nothing of transactions.
 * async function addPhoto(files: ClientPool, name: string): Promise<void> {
 *   await files.client("photos").put(name, Buffer.from("a photo"));
 *   await files.client("thumbnails").put(name, Buffer.from("a small one"));
 * }
 *
 * const publishing = pool.transaction(async () => {
 *   await addPhoto(pool, "1.jpg");
 *   await addPhoto(pool, "2.jpg");
 *   throw new Error("not today");
 * });
 * await publishing.catch((error) => error.message); // => "not today"
 * await pool.client("photos").stat("1.jpg"); // => undefined
 * await pool.close();
 * ```
 */
export class TransactionalClientPool extends ClientPool {
  readonly #scopes: AsyncLocalStorage<Scope>;
  readonly #twoPhase: boolean;

  /** Throws `invalid_request` for a server that is no http or https URL. */
  constructor({ twoPhase = false, ...options }: TransactionalClientPoolOptions) {
    const scopes = new AsyncLocalStorage<Scope>();
    super({ ...options, currentTransaction: () => scopes.getStore()?.tx.id ?? options.currentTransaction?.() });
    this.#scopes = scopes;
    this.#twoPhase = twoPhase;
  }

  /** The transaction that a call of now would join. */
  get current(): Transaction<NamespaceClient> | undefined {
    return this.#scopes.getStore()?.tx;
  }

  /**
   * Does the work in a transaction that everything joins which is called from it. Inside of one it joins that: then the
   * outermost commits, and does not if any part threw.
   */
  override async transaction<Result>(
    work: (tx: Transaction<NamespaceClient>) => Promise<Result>,
    options: TransactionOptions = {},
  ): Promise<Result> {
    const outer = this.#scopes.getStore();
    if (outer !== undefined) return joinScope(outer, work);
    const scope: Scope = { tx: await this.begin(options) };
    const guarded = async (tx: Transaction<NamespaceClient>): Promise<Result> => {
      const result = await this.#scopes.run(scope, () => work(tx));
      if (scope.failure !== undefined) throw scope.failure.thrown;
      return result;
    };
    return runTransaction(scope.tx, guarded, { twoPhase: this.#twoPhase, ...options });
  }

  /** As `transaction`, with your own database. Throws `invalid_request` inside of a transaction: the outermost decides. */
  override async withDatabase<Sql, Result>(
    adapter: DatabaseAdapter<Sql>,
    work: (parts: CoupledWork<Transaction<NamespaceClient>, Sql>) => Promise<Result>,
    options: CoupledOptions = {},
  ): Promise<Result> {
    if (this.current !== undefined) {
      throw new KoboldError(
        "invalid_request",
        "withDatabase stands inside of a transaction, whose outermost part decides",
      );
    }
    const scoped = async (parts: CoupledWork<Transaction<NamespaceClient>, Sql>): Promise<Result> => {
      const scope: Scope = { tx: parts.tx };
      const result = await this.#scopes.run(scope, () => work(parts));
      if (scope.failure !== undefined) throw scope.failure.thrown;
      return result;
    };
    return super.withDatabase(adapter, scoped, options);
  }
}

async function joinScope<Result>(
  scope: Scope,
  work: (tx: Transaction<NamespaceClient>) => Promise<Result>,
): Promise<Result> {
  try {
    return await work(scope.tx);
  } catch (thrown) {
    scope.failure ??= { thrown };
    throw thrown;
  }
}
