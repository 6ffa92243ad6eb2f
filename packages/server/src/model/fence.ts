import { KoboldError } from "@koboldfs/protocol";
import type { KnownHistory } from "./commit-view.js";
import type { JournalPoint } from "./journal-history.js";

/** A catalog's history, as much of it as tells whether it contains what a node knows. */
export interface CatalogHistory extends KnownHistory {
  /** The hash of its group that ends where the node's history does; undefined when it has none. */
  readonly hashAtKnown: string | undefined;
}

/**
 * Why nothing may be written to this catalog by a node that knows more of the journal than it; undefined when its
 * history goes on from what the node knows.
 */
export function findFence(catalog: CatalogHistory, known: KnownHistory): KoboldError | undefined {
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

/** What has to happen between a catalog and a mirror. */
export type MirrorPlan =
  | { readonly kind: "nothing" }
  /** The catalog went on. */
  | { readonly kind: "catch-up" }
  /** The catalog is a beginning of the mirror: a standby was promoted that lacked the last commits. */
  | { readonly kind: "complete" }
  /** Both went on from a common point. */
  | { readonly kind: "join" }
  /** The catalog was replaced by another one, and came back. */
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
  if (fence.code === "catalog_outdated") return { kind: "refuse", reason: fence };
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
