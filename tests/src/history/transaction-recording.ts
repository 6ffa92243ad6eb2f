import type { Fact, OutsideLook, RecordedTransaction, TransactionHistory } from "./check-transactions.js";
import { sha256 } from "../harness/raw-files.js";

/** A key of one of the namespaces that a recording is about. */
export interface Place {
  readonly namespace: string;
  readonly key: string;
}

/** What was done and seen so far, and which bytes stand for what. */
export class TransactionRecording {
  readonly #texts = new Map<string, string>();
  readonly #transactions: RecordedTransaction[] = [];
  readonly #looks: OutsideLook[] = [];
  readonly #unanswered: Unanswered[] = [];
  /** How often something ended how: commits, refusals by their codes, looks. */
  readonly counts = new Map<string, number>();

  /** For each namespace the keys in it. */
  readonly keys: ReadonlyMap<string, readonly string[]>;

  constructor(keys: ReadonlyMap<string, readonly string[]>) {
    this.keys = keys;
  }

  get places(): Place[] {
    return [...this.keys].flatMap(([namespace, keys]) => keys.map((key) => ({ namespace, key })));
  }

  get history(): TransactionHistory {
    return { transactions: this.#transactions, looks: this.#looks };
  }

  /** Bytes that nobody else writes. */
  remember(text: string): Buffer {
    this.#texts.set(sha256(text), text);
    return Buffer.from(text);
  }

  /** Bytes that nobody wrote stay what they are: the checker will say so. */
  textOf(digest: string): string {
    return this.#texts.get(digest) ?? `bytes ${digest}`;
  }

  note(transaction: RecordedTransaction): void {
    this.#transactions.push(transaction);
    this.count(transaction.version === undefined ? "not committed" : "committed");
  }

  noteLook(look: OutsideLook): void {
    this.#looks.push(look);
    this.count(look.asOf === undefined ? "looks" : "looks as of a number");
  }

  /** Somebody has to find out later. */
  noteUnanswered(unanswered: Unanswered): void {
    this.#unanswered.push(unanswered);
    this.count("unanswered");
  }

  takeUnanswered(): Unanswered[] {
    return this.#unanswered.splice(0);
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }
}

/** A transaction of the server, or a put of one digest without any, of which its client does not know what came of it. */
export interface Unanswered {
  readonly record: Omit<RecordedTransaction, "version" | "endMs">;
  readonly id?: string;
  readonly put?: Place & { readonly digest: string };
}

export function nameOf({ namespace, key }: Place): string {
  return `${namespace}/${key}`;
}

/** What a listing says of all keys of its namespace. */
export function factsOf(
  recording: TransactionRecording,
  namespace: string,
  files: readonly { readonly key: string; readonly digest: string }[],
): Fact[] {
  const listed = new Map(files.map(({ key, digest }) => [key, recording.textOf(digest)]));
  const keys = recording.keys.get(namespace) ?? [];
  return keys.map((key) => ({ key: nameOf({ namespace, key }), value: listed.get(key) }));
}
