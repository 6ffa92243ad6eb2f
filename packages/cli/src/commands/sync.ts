import { statSync } from "node:fs";
import { Command } from "commander";
import { KoboldError } from "@koboldfs/protocol";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, type Run, withConnection, withRun } from "../connection.js";
import { EXIT } from "../exit-codes.js";
import { parseCount } from "../option-values.js";
import { LiveLine } from "../output/live-line.js";
import { printable } from "../output/printable.js";
import { formatCount, formatFiles, formatSize } from "../output/sizes.js";
import { syncDown } from "../sync/sync-down.js";
import { type Notice, SyncNotices } from "../sync/sync-notices.js";
import { parseSyncSides, type SyncSides } from "../sync/sync-sides.js";
import { SyncTally } from "../sync/sync-tally.js";
import { syncUp } from "../sync/sync-up.js";

interface SyncOptions extends ConnectionOptions {
  readonly jobs: number;
  readonly delete?: true;
  readonly dryRun?: true;
}

/** Enough to keep three nodes busy with small files; more mostly waits in their queues. */
const DEFAULT_JOBS = 16;
/** A node that is restarted, or a database that fails over, should not end a long run. */
const DEADLINE_MS = 60_000;

const EXAMPLES = `
One side is a folder, the other NAMESPACE or NAMESPACE/PREFIX; './NAME' always means a folder. Files with the same
content on both sides are passed over, so a run that was interrupted is simply started again.

Examples:
  koboldfs sync ./photos demo/photos           the folder up
  koboldfs sync demo/photos ./copy             and down again
  koboldfs sync --delete --dry-run ./www site  what would become of it`;

export function makeSyncCommand(context: CommandContext): Command {
  return withConnection(new Command("sync"))
    .description("make a namespace hold what a folder holds, or the other way round")
    .argument("<source>", "a folder, or NAMESPACE/PREFIX")
    .argument("<target>", "NAMESPACE/PREFIX, or a folder")
    .option("--jobs <N>", "files under way at once", parseCount, DEFAULT_JOBS)
    .option("--delete", "delete at the target what is not at the source")
    .option("--dry-run", "change nothing, only tell")
    .addHelpText("after", EXAMPLES)
    .action(async (source: string, target: string, options: SyncOptions) => {
      const sides = parseSyncSides(source, target, isFolder);
      await withRun(context, options, (run) => syncSides(run, sides, options));
    });
}

async function syncSides(run: Run, sides: SyncSides, options: SyncOptions): Promise<void> {
  const { signal } = run.context;
  const tally = new SyncTally();
  const line = new LiveLine(run.context, (seconds) => formatProgress(tally, seconds));
  const notices = new SyncNotices((notice) => line.print(formatNotice(notice, run.output.json)));
  if (sides.direction === "up" && !isFolder(sides.folder)) {
    throw new KoboldError("source_unreadable", `there is no folder ${JSON.stringify(sides.folder)}`);
  }
  const client = run.connect(sides.namespace, { deadlineMs: DEADLINE_MS, maxInFlight: options.jobs + 1 });
  const work = { ...sides, client, signal, notices, tally, jobs: options.jobs };
  try {
    // Asked with the short deadline of a person who waits: is anybody there at all?
    await run.connect(sides.namespace).getNamespace({ signal });
    const sync = sides.direction === "up" ? syncUp : syncDown;
    await sync({ ...work, delete: options.delete === true, dryRun: options.dryRun === true });
  } finally {
    line.stop();
  }
  const { transferred, skipped, deleted, transferredBytes: bytes } = tally;
  const { failed, ignored } = notices;
  await run.output.result(
    { transferred, skipped, deleted, bytes, failed, ignored },
    formatSummary(tally, notices, WORDS[options.dryRun === true ? "dry" : sides.direction]),
  );
  if (failed > 0) run.context.exitWith(EXIT.failure);
}

const WORDS = {
  up: { transferred: "sent", deleted: "deleted" },
  down: { transferred: "fetched", deleted: "deleted" },
  dry: { transferred: "would transfer", deleted: "to delete" },
} as const;

function formatSummary(tally: SyncTally, notices: SyncNotices, words: (typeof WORDS)[keyof typeof WORDS]): string {
  const parts = [
    `${words.transferred} ${formatFiles(tally.transferred)} (${formatSize(tally.transferredBytes)})`,
    `${formatCount(tally.skipped)} unchanged`,
    `${formatCount(tally.deleted)} ${words.deleted}`,
  ];
  if (notices.ignored > 0) parts.push(`${formatCount(notices.ignored)} passed over`);
  if (notices.failed > 0) parts.push(`${formatCount(notices.failed)} failed`);
  return parts.join(", ");
}

function formatProgress(tally: SyncTally, seconds: number): string {
  const rate = `${formatSize(tally.transferredBytes / seconds)}/s`;
  const moved = `${formatFiles(tally.transferred)}, ${formatSize(tally.transferredBytes)}, ${rate}`;
  return `${moved}; ${formatCount(tally.skipped)} unchanged`;
}

function formatNotice(notice: Notice, json: boolean): string {
  if (json) return JSON.stringify(notice);
  const code = notice.code === undefined ? "" : ` (${notice.code})`;
  return `koboldfs: ${notice.level} ${printable(notice.key)}: ${printable(notice.message)}${code}`;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
