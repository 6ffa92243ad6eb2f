import {
  hashJournalGroup,
  type JournalGroup,
  type JournalGroupContent,
  parseGroupHeader,
  parseJournalGroup,
} from "./journal-group.js";

/** A point of the journal: everything up to `number`, proven by `hash`. */
export interface JournalPoint {
  readonly number: number;
  readonly hash: string;
}

export type HistoryCheck =
  | { readonly ok: true; readonly head: JournalPoint }
  | { readonly ok: false; readonly at: number; readonly reason: string };

type GroupHeader = Omit<JournalGroupContent, "entries">;

/** Follows stored groups from a known point. Hashes the bytes as they are: nothing is written anew to be compared. */
export function verifyHistory(start: JournalPoint, groups: Iterable<JournalGroup>): HistoryCheck {
  return follow(start, groups, parseJournalGroup);
}

/** As `verifyHistory`, for who hands them on to somebody who reads their entries: the headers are all that is parsed. */
export function verifyChain(start: JournalPoint, groups: Iterable<JournalGroup>): HistoryCheck {
  return follow(start, groups, parseGroupHeader);
}

/** What is in the groups; undefined when they do not continue the point. */
export function readHistory(
  start: JournalPoint,
  groups: Iterable<JournalGroup>,
): readonly JournalGroupContent[] | undefined {
  const contents: JournalGroupContent[] = [];
  const check = follow(start, groups, (bytes) => {
    const content = parseJournalGroup(bytes);
    contents.push(content);
    return content;
  });
  return check.ok ? contents : undefined;
}

function follow(
  start: JournalPoint,
  groups: Iterable<JournalGroup>,
  parse: (bytes: Buffer) => GroupHeader,
): HistoryCheck {
  let head = start;
  for (const stored of groups) {
    const reason = findBreak(head, stored, parse);
    if (reason !== undefined) return { ok: false, at: stored.first, reason };
    head = { number: stored.last, hash: stored.hash };
  }
  return { ok: true, head };
}

function findBreak(
  head: JournalPoint,
  stored: JournalGroup,
  parse: (bytes: Buffer) => GroupHeader,
): string | undefined {
  if (hashJournalGroup(stored.bytes) !== stored.hash) return "the bytes do not have the recorded hash";
  const group = parse(stored.bytes);
  if (group.first !== stored.first || group.last !== stored.last) return "the header names other numbers";
  if (group.first !== head.number + 1) return `entry ${head.number + 1} is missing`;
  if (group.previous !== head.hash) return "the group does not continue the one before";
  return undefined;
}

export interface HistoryComparison {
  /** `behind`: left is a beginning of right; `ahead`: the other way round; `forked`: both went on differently. */
  readonly relation: "same" | "behind" | "ahead" | "forked";
  /** The last point that both have, or undefined when they share none. */
  readonly common: JournalPoint | undefined;
}

/**
 * Compares two histories by the points at which their groups end, both in order and from the same start. A hash
 * proves everything before it, so the last point that both know decides.
 */
export function compareHistories(left: readonly JournalPoint[], right: readonly JournalPoint[]): HistoryComparison {
  const known = new Map(right.map((point) => [point.number, point.hash]));
  const common = left.findLast((point) => known.get(point.number) === point.hash);
  const isLeftWhole = common?.number === left.at(-1)?.number;
  const isRightWhole = common?.number === right.at(-1)?.number;
  if (isLeftWhole) return { relation: isRightWhole ? "same" : "behind", common };
  return { relation: isRightWhole ? "ahead" : "forked", common };
}
