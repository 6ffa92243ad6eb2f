import { printable } from "../output/printable.js";
import { formatCount, formatFiles, formatSize } from "../output/sizes.js";
import type { Notice, SyncNotices } from "./sync-notices.js";
import type { SyncTally } from "./sync-tally.js";

/** The last line of `sync --json`. */
export interface SyncSummary {
  readonly transferred: number;
  readonly skipped: number;
  readonly deleted: number;
  /** Of the files that were transferred. */
  readonly bytes: number;
  readonly failed: number;
  readonly ignored: number;
  /** Files that were read only to compare them. */
  readonly hashed: number;
  /** From the first question to the last answer. */
  readonly seconds: number;
  /** False when the run ended before it was done; what it did, it did. */
  readonly complete: boolean;
}

export function makeSummary(
  tally: SyncTally,
  notices: SyncNotices,
  end: Pick<SyncSummary, "seconds" | "complete">,
): SyncSummary {
  const { transferred, skipped, deleted, transferredBytes: bytes, hashed } = tally;
  const { failed, ignored } = notices;
  return { transferred, skipped, deleted, bytes, failed, ignored, hashed, ...end };
}

export interface SummaryWords {
  readonly direction: "up" | "down";
  readonly dryRun: boolean;
  readonly complete: boolean;
}

/** `sent 3 files (1.2 MiB), 17 unchanged, 0 deleted` */
export function formatSummary(tally: SyncTally, notices: SyncNotices, words: SummaryWords): string {
  const sent = words.dryRun ? "would transfer" : words.direction === "up" ? "sent" : "fetched";
  const parts = [
    `${sent} ${formatFiles(tally.transferred)} (${formatSize(tally.transferredBytes)})`,
    `${formatCount(tally.skipped)} unchanged`,
    `${formatCount(tally.deleted)} ${words.dryRun ? "to delete" : "deleted"}`,
  ];
  if (notices.ignored > 0) parts.push(`${formatCount(notices.ignored)} passed over`);
  if (notices.failed > 0) parts.push(`${formatCount(notices.failed)} failed`);
  return words.complete ? parts.join(", ") : `${parts.join(", ")}; not complete, start it again to go on`;
}

/** One line on standard error. */
export function formatNotice(notice: Notice, json: boolean): string {
  if (json) return JSON.stringify(notice);
  const code = notice.code === undefined ? "" : ` (${notice.code})`;
  const subject = notice.key === "" ? notice.level : `${notice.level} ${printable(notice.key)}`;
  return `koboldfs: ${subject}: ${printable(notice.message)}${code}`;
}
