import { Transaction, type TransactionParts } from "./transaction.js";

/** A transaction that was begun by the client of one namespace. */
export class NamespaceTransaction<Files> extends Transaction<Files> {
  /** The files of that namespace as the transaction sees them. */
  readonly files: Files;

  constructor(parts: TransactionParts<Files>, namespace: string) {
    super(parts);
    this.files = this.client(namespace);
  }
}
