import { KoboldError, type TransactionInfo, type TransactionReply } from "@koboldfs/protocol";
import type { CallOptions } from "../client-options.js";
import type { Session } from "../session/session.js";
import type { TransactionFace } from "./transaction-face.js";

/** A transaction that will not be committed is given up soon: the server aborts it by itself in the end. */
const ABANDON_MS = 5_000;

export interface TransactionParts<Files> {
  readonly id: string;
  readonly face: TransactionFace;
  /** Outside of the transaction. */
  readonly session: Session;
  createClient(namespace: string, session: Session): Files;
}

/**
 * Changes that become current together or not at all. What is put, deleted, copied, renamed, undeleted and restored through
 * `client(namespace)` is staged: durable, and seen by this transaction only. Batches are decided operation by operation;
 * `restorePrefix` and `purge` cannot be part of it.
 *
 * ```ts
 * const tx = await client.begin();
 * const files = tx.client(client.namespace);
 * await files.put("page", Buffer.from("new page"));
 * await files.put("picture", Buffer.from("new picture"));
 * await client.stat("page"); // => undefined
 * await tx.commit();
 * (await client.stat("page"))?.size; // => 8
 * ```
 */
export class Transaction<Files> {
  readonly id: string;
  readonly #parts: TransactionParts<Files>;
  readonly #session: Session;

  constructor(parts: TransactionParts<Files>) {
    this.id = parts.id;
    this.#parts = parts;
    this.#session = parts.session.within(parts.id);
  }

  /** The files of a namespace as the transaction sees them. Costs nothing. */
  client(namespace: string): Files {
    return this.#parts.createClient(namespace, this.#session);
  }

  /** How it stands, and what it has staged. */
  info(options: CallOptions = {}): Promise<TransactionReply> {
    return this.#parts.face.get(this.id, options);
  }

  /**
   * Checks all that the commit could refuse and holds the keys; afterwards the commit cannot fail, and the transaction waits
   * for it as long as it must. Throws `transaction_conflict` or `key_locked`.
   */
  prepare(options: CallOptions = {}): Promise<TransactionInfo> {
    return this.#parts.face.finish(this.id, "prepare", options);
  }

  /**
   * Makes everything current at once. Throws `transaction_conflict` when a key is not any more what the transaction saw. A commit
   * whose answer was lost is asked for until it is known; `transaction_in_doubt` when nobody can be asked.
   */
  async commit(options: CallOptions = {}): Promise<TransactionInfo> {
    const commit = () => this.#parts.face.finish(this.id, "commit", options);
    try {
      return await commit();
    } catch (thrown) {
      if (!isOpenOutcome(thrown)) throw thrown;
      const info = await this.#ask(thrown, options);
      if (info.state === "committed") return info;
      if (info.state === "aborted") throw thrown;
      return this.#askAgain(commit);
    }
  }

  /** Forgets everything. */
  abort(options: CallOptions = {}): Promise<TransactionInfo> {
    return this.#parts.face.finish(this.id, "abort", options);
  }

  /** As `abort`, for whoever has a failure of its own to tell: it never throws. */
  async abandon(): Promise<void> {
    try {
      await this.abort({ deadlineMs: ABANDON_MS });
    } catch {
      // It expires by itself, unless it is prepared: then it is listed, and whoever recovers it aborts it.
    }
  }

  async #ask(cause: unknown, options: CallOptions): Promise<TransactionInfo> {
    try {
      return await this.#parts.face.get(this.id, options);
    } catch (thrown) {
      throw isOpenOutcome(thrown) ? this.#inDoubt(cause) : thrown;
    }
  }

  async #askAgain(commit: () => Promise<TransactionInfo>): Promise<TransactionInfo> {
    try {
      return await commit();
    } catch (thrown) {
      throw isOpenOutcome(thrown) ? this.#inDoubt(thrown) : thrown;
    }
  }

  #inDoubt(cause: unknown): KoboldError {
    return new KoboldError("transaction_in_doubt", `what became of transaction ${this.id} is not known`, { cause });
  }
}

/** Failures of the way or of a server, after which a commit may have happened; refusals are certain. */
function isOpenOutcome(thrown: unknown): boolean {
  return thrown instanceof KoboldError && thrown.rule.status >= 500 && thrown.code !== "transaction_in_doubt";
}
