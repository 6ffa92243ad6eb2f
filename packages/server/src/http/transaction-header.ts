import type { IncomingHttpHeaders } from "node:http";
import { HEADER, KoboldError } from "@koboldfs/protocol";
import type { ClientAuth } from "../auth/client-auth.js";
import type { Consistency } from "../files/catalog-reads.js";
import type { ReadView } from "../files/file-service.js";
import { isTransactionId, type TransactionRef } from "../model/transaction.js";

/** The transaction that a request belongs to, and whose it must be. Throws `transaction_not_found`. */
export function parseTransaction(auth: ClientAuth, headers: IncomingHttpHeaders): TransactionRef | undefined {
  const text = headers[HEADER.transaction];
  if (text === undefined) return undefined;
  const id = String(text);
  if (!isTransactionId(id))
    throw new KoboldError("transaction_not_found", `there is no transaction ${id.slice(0, 80)}`);
  return { id, owner: auth.check(headers.authorization).id };
}

/** As whom the request reads. Throws `transaction_not_found`, and `invalid_request` for a transaction at the mirror. */
export function parseReadView(
  auth: ClientAuth,
  headers: IncomingHttpHeaders,
  consistency: Consistency = "strong",
): ReadView {
  const transaction = parseTransaction(auth, headers);
  if (transaction === undefined) return consistency;
  if (consistency === "strong") return transaction;
  throw new KoboldError("invalid_request", "what a transaction sees is not in the mirror; leave consistency away");
}

/** For what cannot wait in a transaction: it would be done at once, against what its sender meant. */
export function refuseTransaction(headers: IncomingHttpHeaders): void {
  if (headers[HEADER.transaction] === undefined) return;
  throw new KoboldError("invalid_request", "this cannot be part of a transaction; send it without that header");
}
