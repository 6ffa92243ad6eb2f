/**
 * What reading a stored copy came to. `unreadable`: the disk does not give it. `gone`: it is not there any more, so
 * somebody removed it meanwhile.
 */
export type Reading = "good" | "bad" | "unreadable" | "gone";

/** One copy of a blob on this node's volumes. */
export interface SeenCopy {
  /** Whether it lies where its digest and namespace say. */
  readonly isInPlace: boolean;
  readonly first: Reading;
  /** Of a copy that was not good at first, when it was read again. */
  readonly second?: Reading;
}

/** One blob as this node's disks and the catalog show it. The catalog was asked after the disks were looked at. */
export interface SeenBlob {
  readonly copies: readonly SeenCopy[];
  /** Something refers to it. */
  readonly isNamed: boolean;
  /** A debt of this node says that it lacks the blob. */
  readonly isOwed: boolean;
  /** This node should have everything that is named: it is not drained, and not being filled. */
  readonly isHolder: boolean;
  /** Somebody placed it here, or relied on its being here, since its copies were looked at. */
  readonly isPlacedMeanwhile: boolean;
  /** It lies here for longer than a placement takes to be named. */
  readonly isOld: boolean;
}

export const SCRUB_FINDINGS = ["under-replicated", "missing", "corrupt", "orphaned", "misplaced"] as const;
export type ScrubFinding = (typeof SCRUB_FINDINGS)[number];

/** `copy` is the index in `SeenBlob.copies`. */
export type ScrubAction =
  /** Nothing is said of a copy that was read badly once. */
  | { readonly kind: "read-again"; readonly copy: number }
  /** Out of the way and kept: it may be the last there is of the blob. */
  | { readonly kind: "quarantine"; readonly copy: number }
  | { readonly kind: "put-in-place"; readonly copy: number }
  /** Unlinked, since `kept` is as good. */
  | { readonly kind: "remove"; readonly copy: number; readonly kept: number }
  | { readonly kind: "owe" }
  | { readonly kind: "settle" };

export interface ScrubPlan {
  readonly findings: readonly ScrubFinding[];
  /** In the order in which they are to be done. */
  readonly actions: readonly ScrubAction[];
}

const NOTHING: ScrubPlan = { findings: [], actions: [] };

/** Nearly every blob there is: whatever else is known of it, `decideScrub` says nothing. */
export function isAsItShouldBe({ copies, isNamed, isOwed }: Pick<SeenBlob, "copies" | "isNamed" | "isOwed">): boolean {
  const [copy] = copies;
  if (copy === undefined || copies.length > 1 || copy.second !== undefined) return false;
  return copy.first === "good" && copy.isInPlace && isNamed && !isOwed;
}

/** What to say of a blob, and what to do about it. */
export function decideScrub(blob: SeenBlob): ScrubPlan {
  // Its bytes are those of a moment ago; what was seen before says nothing about them.
  if (blob.isPlacedMeanwhile) return NOTHING;
  const again = indexesOf(blob, ({ first, second }) => isDoubtful(first) && second === undefined);
  if (again.length > 0) return { findings: [], actions: again.map((copy) => ({ kind: "read-again", copy })) };
  const good = indexesOf(blob, (copy) => lastReading(copy) === "good");
  const bad = indexesOf(blob, (copy) => isDoubtful(lastReading(copy)));
  const kept = good.find((copy) => blob.copies[copy]?.isInPlace) ?? good[0];
  return blob.isNamed ? decideNamed(blob, { good, bad, kept }) : decideUnnamed(blob, { good, bad, kept });
}

/** So many bad ones among so many that were read lately are the disk's fault, not the blobs'. */
const LEAST_BAD = 50;
const LEAST_SHARE = 0.1;

/** Whether a volume shall be taken out as a whole, rather than have all that is on it quarantined one by one. */
export function isVolumeFailing({ read, bad }: { readonly read: number; readonly bad: number }): boolean {
  return bad >= LEAST_BAD && bad >= read * LEAST_SHARE;
}

interface Sorted {
  readonly good: readonly number[];
  readonly bad: readonly number[];
  /** The good copy that stays; undefined when there is none. */
  readonly kept: number | undefined;
}

function decideNamed(blob: SeenBlob, { good, bad, kept }: Sorted): ScrubPlan {
  const findings: ScrubFinding[] = [];
  if (bad.length > 0) findings.push("corrupt");
  if (isMisplaced(blob, good)) findings.push("misplaced");
  const quarantine = bad.map((copy): ScrubAction => ({ kind: "quarantine", copy }));
  if (kept !== undefined) {
    const settle: ScrubAction[] = blob.isOwed ? [{ kind: "settle" }] : [];
    return { findings, actions: [...quarantine, ...keep(blob, good, kept), ...settle] };
  }
  if (blob.isOwed) findings.push("under-replicated");
  else if (bad.length === 0 && blob.isHolder) findings.push("missing");
  // First the debt: whoever dies in between leaves a bad blob that is owed, and not a hole that nobody knows of.
  const owe: ScrubAction[] = blob.isHolder && !blob.isOwed ? [{ kind: "owe" }] : [];
  return { findings, actions: [...owe, ...quarantine] };
}

/** Left to the reaper, which only looks where blobs belong. */
function decideUnnamed(blob: SeenBlob, { good, bad, kept }: Sorted): ScrubPlan {
  const astray = bad.filter((copy) => blob.copies[copy]?.isInPlace === false);
  const findings: ScrubFinding[] = [];
  if (isMisplaced(blob, [...good, ...bad])) findings.push("misplaced");
  else if (blob.isOld && good.length + bad.length > 0) findings.push("orphaned");
  const quarantine = astray.map((copy): ScrubAction => ({ kind: "quarantine", copy }));
  return { findings, actions: [...quarantine, ...(kept === undefined ? [] : keep(blob, good, kept))] };
}

/** One good copy where it belongs, and the others gone. */
function keep(blob: SeenBlob, good: readonly number[], kept: number): ScrubAction[] {
  const place: ScrubAction[] = blob.copies[kept]?.isInPlace === false ? [{ kind: "put-in-place", copy: kept }] : [];
  const others = good.filter((copy) => copy !== kept);
  return [...place, ...others.map((copy): ScrubAction => ({ kind: "remove", copy, kept }))];
}

function isMisplaced({ copies }: SeenBlob, indexes: readonly number[]): boolean {
  return indexes.some((index) => copies[index]?.isInPlace === false);
}

function lastReading({ first, second }: SeenCopy): Reading {
  return second ?? first;
}

function isDoubtful(reading: Reading): boolean {
  return reading === "bad" || reading === "unreadable";
}

function indexesOf({ copies }: SeenBlob, holds: (copy: SeenCopy) => boolean): number[] {
  return [...copies.entries()].filter(([, copy]) => holds(copy)).map(([index]) => index);
}
