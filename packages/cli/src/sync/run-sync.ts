import { mkdirSync, statSync } from "node:fs";
import { KoboldError } from "@koboldfs/protocol";
import type { Run } from "../connection.js";
import { LiveLine } from "../output/live-line.js";
import { closeDigests, openDigests } from "./open-digests.js";
import type { PathFilter } from "./path-filter.js";
import { formatNotice, formatSummary, makeSummary } from "./sync-report.js";
import { syncDown } from "./sync-down.js";
import { SyncNotices } from "./sync-notices.js";
import { SyncProgress } from "./sync-progress.js";
import type { SyncRun } from "./sync-run.js";
import type { SyncSides } from "./sync-sides.js";
import { SyncTally } from "./sync-tally.js";
import { countSource } from "./sync-totals.js";
import { syncUp } from "./sync-up.js";

export interface SyncSettings {
  readonly jobs: number;
  readonly delete: boolean;
  readonly dryRun: boolean;
  readonly followLinks: boolean;
  /** Reads every file, whatever is remembered of it. */
  readonly checksum: boolean;
  readonly filter: PathFilter;
}

/** A node that is restarted, or a database that fails over, should not end a long run. */
const DEADLINE_MS = 60_000;

/** Runs one sync, shows how far it is and says what it did, also when it failed on the way. Answers whether all went well. */
export async function runSync(run: Run, sides: SyncSides, settings: SyncSettings): Promise<boolean> {
  const { signal } = run.context;
  const startedMs = performance.now();
  if (sides.direction === "up" && !isFolder(sides.folder)) {
    throw new KoboldError("source_unreadable", `there is no folder ${JSON.stringify(sides.folder)}`);
  }
  // Asked with the short deadline of a person who waits: is anybody there at all?
  await run.connect(sides.namespace).getNamespace({ signal });
  if (sides.direction === "down" && !settings.dryRun) makeRoot(sides.folder);
  const totals = { files: 0, bytes: 0, isComplete: false };
  const tally = new SyncTally();
  const progress = new SyncProgress(tally, totals);
  const line = new LiveLine(run.context, (seconds) => progress.format(seconds));
  const notices = new SyncNotices((notice) => line.print(formatNotice(notice, run.output.json)));
  const client = run.connect(sides.namespace, { deadlineMs: DEADLINE_MS, maxInFlight: settings.jobs + 1 });
  const digests = await openDigests({
    env: run.context.env,
    root: sides.folder,
    distrust: settings.checksum,
    notices,
  });
  const work: SyncRun = { ...sides, ...settings, client, digests, signal, notices, tally };
  const counting = new AbortController();
  let complete = false;
  try {
    if (run.context.stderr.isTTY === true) {
      const counted = { ...work, signal: AbortSignal.any([signal, counting.signal]) };
      void countSource(counted, sides.direction, totals);
    }
    await (sides.direction === "up" ? syncUp : syncDown)(work);
    complete = true;
  } finally {
    counting.abort();
    await closeDigests(digests, complete && !settings.filter.isActive, notices);
    line.stop();
    const words = { direction: sides.direction, dryRun: settings.dryRun, complete };
    const end = { seconds: Math.round(performance.now() - startedMs) / 1000, complete };
    await run.output.result(makeSummary(tally, notices, end), formatSummary(tally, notices, words));
  }
  return notices.failed === 0;
}

function makeRoot(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new KoboldError("target_unwritable", `cannot make the folder ${JSON.stringify(folder)}`, { cause });
  }
}

/** Whether there is a folder, or a link to one. */
export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
