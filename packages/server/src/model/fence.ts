import { type ErrorCode, KoboldError } from "@koboldfs/protocol";
import type { KnownHistory } from "./commit-view.js";
import type { JournalPoint } from "./journal-history.js";

/** A catalog's history, as much of it as tells whether it contains what a node knows. */
export interface CatalogHistory extends KnownHistory {
  /** The hash of its group that ends where the node's history does; undefined when it has none. */
  readonly hashAtKnown: string | undefined;
}

/** The epoch of a catalog that is being made from mirrors: it is below every other, so that no node takes it for whole. */
export const UNFINISHED_EPOCH = -1;
/** The epoch of a catalog that was moved to another database: whatever its epochs were, it is in none any more. */
export const RETIRED_EPOCH = -2;

/**
 * Why nothing may be written to this catalog by a node that knows more of the journal than it; undefined when its
 * history goes on from what the node knows.
 */
export function findFence(catalog: CatalogHistory, known: KnownHistory): KoboldError | undefined {
  const unusable = findUnusable(catalog);
  if (unusable !== undefined) return unusable;
  if (catalog.epoch < known.epoch) {
    const text = `the catalog is of epoch ${catalog.epoch}; another one has replaced it since, in epoch ${known.epoch}`;
    return new KoboldError("catalog_outdated", text);
  }
  if (catalog.number < known.number) {
    const text = `the catalog ends with ${catalog.number}, and ${known.number} entries are known to be committed`;
    return new KoboldError("catalog_behind", text);
  }
  if (known.number === 0 || catalog.hashAtKnown === known.hash) return undefined;
  return new KoboldError("history_forked", `the catalog has another entry ${known.number} than this node's mirror`);
}

/** Why nobody may rely on this catalog, whatever they know: it is no catalog yet, or no longer one. */
export function findUnusable({ epoch }: Pick<KnownHistory, "epoch">): KoboldError | undefined {
  if (epoch === UNFINISHED_EPOCH) return new KoboldError("catalog_unfinished", "this catalog is still being made");
  if (epoch === RETIRED_EPOCH) return new KoboldError("catalog_retired", "this catalog was moved to another database");
  return undefined;
}

/** Fences that no repair takes away: the node needs another catalog, or this one needs time. */
const LASTING_FENCES: readonly ErrorCode[] = ["catalog_outdated", "catalog_retired", "catalog_unfinished"];

/** What has to happen between a catalog and a mirror. */
export type MirrorPlan =
  | { readonly kind: "nothing" }
  /** The catalog went on. */
  | { readonly kind: "catch-up" }
  /** The catalog is a beginning of the mirror: a standby was promoted that lacked the last commits. */
  | { readonly kind: "complete" }
  /** Both went on from a common point. */
  | { readonly kind: "join" }
  /** The catalog was replaced by another one and came back, was moved, or is still being made. */
  | { readonly kind: "refuse"; readonly reason: KoboldError };

export interface MirrorComparison {
  readonly catalog: CatalogHistory;
  readonly mirror: KnownHistory;
  /** The hash of the mirror's group that ends with the catalog's head; undefined when it has none. */
  readonly hashAtHead: string | undefined;
}

export function planMirror({ catalog, mirror, hashAtHead }: MirrorComparison): MirrorPlan {
  const fence = findFence(catalog, mirror);
  if (fence === undefined) return { kind: catalog.number > mirror.number ? "catch-up" : "nothing" };
  if (LASTING_FENCES.includes(fence.code)) return { kind: "refuse", reason: fence };
  const isBeginning = catalog.number < mirror.number && (catalog.number === 0 || hashAtHead === catalog.hash);
  return { kind: isBeginning ? "complete" : "join" };
}

export interface ForkQuestions {
  /** Where both histories begin. */
  readonly genesis: JournalPoint;
  /** The head of the one history, which the other does not have. */
  readonly end: number;
  /** The end of the first group of the one history that goes beyond this number. */
  readonly findGroupBehind: (number: number) => Promise<JournalPoint | undefined>;
  /** Whether the other history has this point. */
  readonly hasPoint: (point: JournalPoint) => Promise<boolean>;
}

/**
 * The last point that two histories have in common, found in as many questions as a number has bits: a hash proves
 * everything before it, so what is common is a beginning.
 */
export async function findFork({ genesis, end, findGroupBehind, hasPoint }: ForkQuestions): Promise<JournalPoint> {
  let common = genesis;
  let high = end;
  while (common.number < high) {
    const middle = Math.floor((common.number + high) / 2);
    const point = await findGroupBehind(middle);
    if (point !== undefined && (await hasPoint(point))) common = point;
    else high = middle;
  }
  return common;
}
