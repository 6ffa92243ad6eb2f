import { Command } from "commander";
import type { ByteRange } from "@koboldfs/client";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, type Run, withConnection, withRun } from "../connection.js";
import { type FileSelection, parseFileSelection } from "../files/file-selection.js";
import { parseJobs, parseRange } from "../option-values.js";
import { type PastFlags, readPast, withPast } from "../past-options.js";
import { printable } from "../output/printable.js";
import { TransferBoard } from "../output/transfer-board.js";
import { type Download, downloadFile, planDownloads } from "../transfer/download-plan.js";
import { readToOutput } from "../transfer/read-to-output.js";
import { DEFAULT_JOBS, runMany } from "../transfer/run-many.js";
import { chooseTarget } from "../transfer/download-target.js";
import { planSelections } from "../transfer/selection-plan.js";
import { UsageError } from "../usage-error.js";

interface GetOptions extends ConnectionOptions, PastFlags {
  readonly range?: ByteRange;
  readonly literal?: true;
  readonly jobs: number;
}

const EXAMPLES = `
Patterns: * takes anything but a slash, ** anything, ? one character, [a-z] one of a set; quote them. Keys that a
pattern finds keep what stands behind its last slash before the first wildcard.

Examples:
  koboldfs get demo/motd                    into the file motd, here
  koboldfs get demo/motd /tmp/motd.txt      into that file, which appears only when it is complete
  koboldfs get 'demo/photos/*.jpg' album/   every one of them into a folder
  koboldfs get demo/motd --as-of 2026-01-31T12:00:00Z    as it was then
  koboldfs get demo/log - --range -1000     the last 1,000 bytes, to standard output
  koboldfs get demo/shop.sql - | psql       to standard output`;

export function makeGetCommand(context: CommandContext): Command {
  return withPast(withConnection(new Command("get")))
    .description("fetch files")
    .usage("[options] <file...> [target]")
    .argument(
      "<files...>",
      "NAMESPACE/KEY or a pattern; last, unless there is only one, the target: a file, a folder, or - for standard output (default: the key's last part, here)",
    )
    .option("--range <RANGE>", "only some bytes: FIRST-LAST, FIRST- or -COUNT", parseRange)
    .option("--literal", "* ? [ in keys mean themselves")
    .option("-j, --jobs <N>", "files under way at once", parseJobs, DEFAULT_JOBS)
    .addHelpText("after", EXAMPLES)
    .action(async (files: string[], options: GetOptions) => {
      const sources = files.length === 1 ? files : files.slice(0, -1);
      const how = { literal: options.literal === true, past: readPast(options) };
      const selections = sources.map((text) => parseFileSelection(text, how));
      const target = files.length === 1 ? "." : (files.at(-1) ?? ".");
      await withRun(context, options, (run) => getFiles(run, { selections, target }, options));
    });
}

interface Wish {
  readonly selections: readonly FileSelection[];
  readonly target: string;
}

async function getFiles(run: Run, { selections, target }: Wish, options: GetOptions): Promise<void> {
  const [only, ...others] = selections;
  const isOne = only?.kind === "one" && others.length === 0;
  if (target === "-") {
    if (!isOne) throw new UsageError("only one file goes to standard output", "Use 'koboldfs cat' for several.");
    await readToOutput(run, only, options.range);
    return;
  }
  const place = await chooseTarget(target, { isOne });
  const board = new TransferBoard(run, await planSelections(run, selections));
  try {
    const work = (download: Download) => getFile({ run, board, options }, download);
    if (isOne) await work({ ...only, path: place.pathOf(only.key) });
    else await runMany(run, { items: planDownloads(run, selections, place), jobs: options.jobs }, work);
  } finally {
    board.stop();
  }
}

interface Getting {
  readonly run: Run;
  readonly board: TransferBoard;
  readonly options: GetOptions;
}

async function getFile({ run, board, options }: Getting, download: Download): Promise<void> {
  const { namespace, key, path } = download;
  const size = await downloadFile(run, board, { ...download, range: options.range, jobs: options.jobs });
  await run.output.result({ namespace, key, path, size }, printable(path));
}
