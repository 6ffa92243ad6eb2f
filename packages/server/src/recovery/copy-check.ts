import type { NodeId, NodeName } from "@koboldfs/protocol";
import { walkListing, type BlobLister } from "../blobs/blob-lister.js";
import type { BlobRef } from "../blobs/blob-store.js";
import type { BlobSpot, Catalog, Debt, NodeRecord, StoredBlobRecord } from "../catalog/catalog.js";
import { NODE_STATES } from "../model/node-state.js";

/** What lies on one node. */
export interface NodeInventory {
  readonly node: NodeId;
  readonly lister: BlobLister;
  /** Reads the blob and answers whether its bytes are what their name says. Absent: names are believed. */
  readonly verify?: (ref: BlobRef) => Promise<boolean>;
  /** The volumes that are listed: a node that is known to have others was not looked at as a whole. Absent: all it has. */
  readonly volumes?: readonly string[];
}

export interface CopyCheckOptions {
  readonly catalog: Pick<
    Catalog,
    "addDebts" | "listAllDebts" | "listBlobs" | "listNamesOf" | "listNodes" | "setBackfillPosition" | "settleDebts"
  >;
  readonly inventories: readonly NodeInventory[];
  readonly onProgress?: (blobs: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** A blob that the journal names and no node that was looked at has. */
export interface MissingBlob extends StoredBlobRecord {
  /** A key that names it or named it, with the version. */
  readonly key?: string;
  readonly version?: number;
}

export interface NodeCopies {
  readonly node: NodeName;
  /** Of the blobs that the journal names. */
  readonly found: number;
  readonly lacking: number;
  /** Bytes that are not what their name says; counted as lacking. */
  readonly corrupt: number;
  /**
   * `debts`: what it lacks is written down, and the rest counts as there. `backfill`: it was not looked at as a whole, or
   * lacks so much that it is filled from the beginning; nothing counts as there until then.
   */
  readonly kept: "debts" | "backfill";
}

export interface CopyReport {
  readonly blobs: number;
  /** How many blobs were found on so many nodes: the first number is of those on none. */
  readonly onNodes: readonly number[];
  readonly nodes: readonly NodeCopies[];
  /** The first of those on no node; how many there are is `onNodes[0]`. */
  readonly missing: readonly MissingBlob[];
}

/** Missing blobs that are listed by name; more of them are one misfortune, not many. */
const MAX_LISTED = 1000;
/** A node that lacks more than this is better filled by walking the journal than by a million rows. */
const MAX_DEBTS = 50_000;
/** Blobs read at once, and debts written at once. */
const PAGE = 1000;
/** Blobs listed at once. */
const LISTED = 10_000;
const FIRST: BlobSpot = { digest: "", namespace: "" };
const LAST_DIGEST = "f".repeat(64);

interface Tally {
  readonly record: NodeRecord;
  readonly inventory: NodeInventory;
  readonly cursor: Cursor;
  found: number;
  lacking: number;
  corrupt: number;
  debts: Debt[];
  /** Debts of blobs that were found after all. */
  paid: Debt[];
}

/**
 * Compares what the journal names with what lies on nodes, and writes down what is not there, so that nothing counts as
 * present that is not. Both come in the order of digests: memory does not grow with their number.
 */
export class CopyCheck {
  readonly #options: CopyCheckOptions;
  readonly #missing: MissingBlob[] = [];
  #onNodes: number[] = [];
  #blobs = 0;

  constructor(options: CopyCheckOptions) {
    this.#options = options;
  }

  async run(): Promise<CopyReport> {
    const { catalog, inventories, onProgress, signal } = this.#options;
    const records = (await catalog.listNodes()).filter(({ state }) => NODE_STATES[state].mayReturn);
    const tallies = records.flatMap((record) => {
      const inventory = inventories.find(({ node }) => node === record.id);
      return inventory === undefined ? [] : [newTally(record, inventory)];
    });
    this.#onNodes = Array.from({ length: tallies.length + 1 }, () => 0);
    const owed = await this.#listOwed();
    for await (const blob of this.#walkBlobs()) {
      signal?.throwIfAborted();
      await this.#look(blob, tallies, owed);
      if (this.#blobs % PAGE === 0) onProgress?.(this.#blobs);
    }
    for (const tally of tallies) await this.#conclude(tally);
    return {
      blobs: this.#blobs,
      onNodes: this.#onNodes,
      nodes: tallies.map(({ record, found, lacking, corrupt, inventory }) => {
        const kept = keepsDebts(record, inventory, lacking) ? "debts" : "backfill";
        return { node: record.name, found, lacking, corrupt, kept };
      }),
      missing: this.#missing,
    };
  }

  async *#walkBlobs(): AsyncGenerator<StoredBlobRecord> {
    for (let after: BlobSpot | undefined = FIRST; after !== undefined; ) {
      const page: StoredBlobRecord[] = await this.#options.catalog.listBlobs({
        after,
        until: LAST_DIGEST,
        limit: PAGE,
      });
      yield* page;
      after = page.length < PAGE ? undefined : page.at(-1);
    }
  }

  /** What is owed already: entries of a fork that was joined. */
  async #listOwed(): Promise<ReadonlyMap<string, Debt>> {
    const owed = new Map<string, Debt>();
    for (let after: Debt | undefined; ; ) {
      const page: Debt[] = await this.#options.catalog.listAllDebts(after, PAGE);
      for (const debt of page) owed.set(formatDebt(debt.node, debt), debt);
      after = page.at(-1);
      if (page.length < PAGE) return owed;
    }
  }

  async #look(blob: StoredBlobRecord, tallies: readonly Tally[], owed: ReadonlyMap<string, Debt>): Promise<void> {
    this.#blobs += 1;
    const holders = new Set<Tally>();
    for (const tally of tallies) if (await this.#holds(tally, blob)) holders.add(tally);
    const copies = holders.size;
    this.#onNodes[copies] = (this.#onNodes[copies] ?? 0) + 1;
    if (copies === 0 && this.#missing.length < MAX_LISTED) await this.#list(blob);
    for (const tally of tallies) {
      const { record, inventory } = tally;
      const known = owed.get(formatDebt(record.id, blob));
      if (holders.has(tally)) {
        tally.found += 1;
        if (known !== undefined) tally.paid.push(known);
      } else {
        tally.lacking += 1;
        if (keepsDebts(record, inventory, tally.lacking)) tally.debts.push({ ...blob, node: record.id, copies });
      }
      if (tally.debts.length >= PAGE) await this.#write(tally);
    }
  }

  async #holds(tally: Tally, ref: BlobRef): Promise<boolean> {
    if (!(await tally.cursor.has(ref))) return false;
    const isGood = (await tally.inventory.verify?.(ref)) ?? true;
    if (!isGood) tally.corrupt += 1;
    return isGood;
  }

  async #list(blob: StoredBlobRecord): Promise<void> {
    const [name] = await this.#options.catalog.listNamesOf(blob, 1);
    this.#missing.push({ ...blob, ...(name !== undefined && { key: name.key, version: name.version }) });
  }

  /** First the debts, then the word that the rest is there. */
  async #conclude(tally: Tally): Promise<void> {
    const { record, inventory, lacking } = tally;
    await this.#write(tally);
    if (!keepsDebts(record, inventory, lacking)) return;
    await this.#options.catalog.settleDebts(tally.paid);
    await this.#options.catalog.setBackfillPosition(record.id, record.joinedAt);
  }

  async #write(tally: Tally): Promise<void> {
    await this.#options.catalog.addDebts(tally.debts);
    tally.debts = [];
  }
}

/** Whether the node is one for which debts are kept, and lacks few enough. */
function keepsDebts({ state, volumes }: NodeRecord, inventory: NodeInventory, lacking: number): boolean {
  const isWhole = volumes.every((volume) => inventory.volumes?.includes(volume) ?? true);
  return NODE_STATES[state].owes && isWhole && lacking <= MAX_DEBTS;
}

function newTally(record: NodeRecord, inventory: NodeInventory): Tally {
  const cursor = new Cursor(walkListing(inventory.lister, LISTED));
  return { record, inventory, cursor, found: 0, lacking: 0, corrupt: 0, debts: [], paid: [] };
}

/** Goes along a listing together with the journal's blobs. */
class Cursor {
  readonly #blobs: AsyncGenerator<BlobRef>;
  #current: BlobRef | undefined;
  #isAtEnd = false;

  constructor(blobs: AsyncGenerator<BlobRef>) {
    this.#blobs = blobs;
  }

  /** Whether the listing has the blob; asked for in the order of the listing. */
  async has(ref: BlobRef): Promise<boolean> {
    while (!this.#isAtEnd && (this.#current === undefined || compare(this.#current, ref) < 0)) {
      const step = await this.#blobs.next();
      this.#isAtEnd = step.done === true;
      this.#current = step.done === true ? undefined : step.value;
    }
    return !this.#isAtEnd && this.#current !== undefined && compare(this.#current, ref) === 0;
  }
}

function compare(a: BlobRef, b: BlobRef): number {
  if (a.digest !== b.digest) return a.digest < b.digest ? -1 : 1;
  return a.namespace === b.namespace ? 0 : a.namespace < b.namespace ? -1 : 1;
}

function formatDebt(node: NodeId, { namespace, digest }: BlobRef): string {
  return `${node} ${namespace} ${digest}`;
}
