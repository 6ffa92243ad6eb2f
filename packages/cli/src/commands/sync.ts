import { Command, InvalidArgumentError, Option } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, withConnection, withRun } from "../connection.js";
import { EXIT } from "../exit-codes.js";
import { parseCount } from "../option-values.js";
import { type FilterRule, PathFilter } from "../sync/path-filter.js";
import { isFolder, runSync } from "../sync/run-sync.js";
import { parseSyncSides } from "../sync/sync-sides.js";

interface SyncOptions extends ConnectionOptions {
  readonly jobs: number;
  readonly links: "skip" | "follow";
  readonly delete?: true;
  readonly dryRun?: true;
  readonly checksum?: true;
}

/** Enough to keep three nodes busy with small files; more mostly waits in their queues. */
const DEFAULT_JOBS = 16;
/** Each job may have a file of a MiB in memory, and a connection to every server. */
const MAX_JOBS = 256;

const EXAMPLES = `
One side is a folder, the other NAMESPACE or NAMESPACE/PREFIX; './NAME' always means a folder. Files with the same
content on both sides are passed over, so a run that was interrupted is simply started again.

The first --include or --exclude whose pattern fits a file, or a folder that it is in, decides. What none fits takes
part, unless there are only includes. Patterns have * ? [abc] {a,b} and ** (which also crosses slashes); one that begins
with a slash begins at the top, one that ends with a slash means folders. Files that take no part are touched on neither
side, not even by --delete.

Examples:
  koboldfs sync ./photos demo/photos                         the folder up
  koboldfs sync demo/photos ./copy                           and down again
  koboldfs sync --delete --dry-run ./www site                what would become of it
  koboldfs sync --include '*.jpg' ./photos demo/photos       only these
  koboldfs sync --exclude node_modules --exclude '*.tmp' . demo`;

export function makeSyncCommand(context: CommandContext): Command {
  const rules: FilterRule[] = [];
  return withConnection(new Command("sync"))
    .description("make a namespace hold what a folder holds, or the other way round")
    .argument("<source>", "a folder, or NAMESPACE/PREFIX")
    .argument("<target>", "NAMESPACE/PREFIX, or a folder")
    .option("--jobs <N>", "files under way at once", parseJobs, DEFAULT_JOBS)
    .option("--delete", "delete at the target what is not at the source")
    .option("--dry-run", "change nothing, only tell")
    .addOption(makeFilterOption("include", rules))
    .addOption(makeFilterOption("exclude", rules))
    .addOption(
      new Option(
        "--links <HOW>",
        "symbolic links in the folder: skip them and say so, or follow them to what they name",
      )
        .choices(["skip", "follow"])
        .default("skip"),
    )
    .option("--checksum", "read every file, though its size and times say that nobody wrote to it since it was read")
    .addHelpText("after", EXAMPLES)
    .action(async (source: string, target: string, options: SyncOptions) => {
      const sides = parseSyncSides(source, target, isFolder);
      const settings = {
        jobs: options.jobs,
        delete: options.delete === true,
        dryRun: options.dryRun === true,
        followLinks: options.links === "follow",
        checksum: options.checksum === true,
        filter: new PathFilter(rules),
      };
      await withRun(context, options, async (run) => {
        if (!(await runSync(run, sides, settings))) context.exitWith(EXIT.failure);
      });
    });
}

/** Both kinds go into one list, because the order in which they stand matters. */
function makeFilterOption(kind: FilterRule["kind"], rules: FilterRule[]): Option {
  const words = kind === "include" ? "files that take part; may be repeated" : "files that do not; may be repeated";
  return new Option(`--${kind} <PATTERN>`, words).argParser((pattern: string) => {
    rules.push({ kind, pattern });
    return rules.length;
  });
}

function parseJobs(text: string): number {
  const jobs = parseCount(text);
  if (jobs > MAX_JOBS) throw new InvalidArgumentError(`It must be at most ${MAX_JOBS}.`);
  return jobs;
}
