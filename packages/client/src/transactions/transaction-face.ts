import { HEADER, type TransactionInfo, type TransactionListReply, type TransactionReply } from "@koboldfs/protocol";
import type { BeginOptions, CallOptions, FinishOptions, TransactionListOptions } from "../client-options.js";
import { checkTransaction, checkTransactionReply, checkTransactions } from "../reply-checks.js";
import type { Session } from "../session/session.js";

/** What can become of a transaction. */
export type TransactionStep = "prepare" | "commit" | "abort";

/** Transactions at the server, by their ids. */
export class TransactionFace {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  begin({ ttlMs, coordinator, ...options }: BeginOptions): Promise<TransactionInfo> {
    const headers = { [HEADER.idempotencyKey]: this.#session.createIdempotencyKey() };
    const body = { ...(ttlMs !== undefined && { ttlMs }), ...(coordinator !== undefined && { coordinator }) };
    const request = post("/v1/transactions", body, headers);
    return this.#session.callJson(request, checkTransaction, options);
  }

  get(id: string, options: CallOptions): Promise<TransactionReply> {
    return this.#session.callJson({ method: "GET", path: pathOf(id) }, checkTransactionReply, options);
  }

  async *list({ state, ...options }: TransactionListOptions): AsyncGenerator<TransactionInfo> {
    const only = state === undefined ? "" : `&state=${state}`;
    for (let after: string | undefined = ""; after !== undefined; ) {
      const path: string = `/v1/transactions?limit=1000${only}&after=${encodeURIComponent(after)}`;
      const page: TransactionListReply = await this.#session.callJson(
        { method: "GET", path },
        checkTransactions,
        options,
      );
      yield* page.transactions;
      after = page.next;
    }
  }

  /** The server may be asked several times: each gets the answer of the first. */
  async finish(id: string, step: TransactionStep, { force, ...options }: FinishOptions): Promise<TransactionInfo> {
    const steps = step === "abort" ? undefined : this.#session.takeSteps(id, false);
    const body = { ...(force !== undefined && { force }), ...(steps !== undefined && { steps }) };
    const info = await this.#session.callJson(post(`${pathOf(id)}/${step}`, body, {}), checkTransaction, options);
    if (step !== "prepare") this.#session.takeSteps(id, true);
    return info;
  }
}

function pathOf(id: string): string {
  return `/v1/transactions/${encodeURIComponent(id)}`;
}

function post(path: string, body: object, headers: Record<string, string>) {
  return {
    ...{ method: "POST" as const, path },
    headers: { ...headers, "content-type": "application/json" },
    body: new TextEncoder().encode(JSON.stringify(body)),
  };
}
