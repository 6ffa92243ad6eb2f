import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { canAsk, confirm } from "../confirm.js";
import { type ConnectionOptions, type Run, withConnection, withRun } from "../connection.js";
import { EXIT } from "../exit-codes.js";
import { type FileSelection, type ManyFiles, type OneFile, parseFileSelection } from "../files/file-selection.js";
import { countFiles, noSuchFile, nothingSelected, selectFiles } from "../files/select-files.js";
import { parseJobs } from "../option-values.js";
import { LiveLine } from "../output/live-line.js";
import { printable } from "../output/printable.js";
import { formatCount, formatFiles, formatSize } from "../output/sizes.js";
import { DEFAULT_JOBS, runMany, tellFailure } from "../transfer/run-many.js";
import { UsageError } from "../usage-error.js";

interface RmOptions extends ConnectionOptions {
  readonly recursive?: true;
  readonly force?: true;
  readonly dryRun?: true;
  readonly literal?: true;
  readonly jobs: number;
}

/** Who sits at a terminal is asked before more files than this are gone: so many one can name from memory. */
const ASK_ABOVE_FILES = 10;

const EXAMPLES = `
On a terminal it asks before it deletes more than ${ASK_ABOVE_FILES} files at once; --force does not. A whole namespace is emptied only
with --force, or when somebody said yes.

Examples:
  koboldfs rm demo/motd                one file
  koboldfs rm -f demo/motd demo/old    no failure where there is none
  koboldfs rm 'demo/photos/*.tmp'      what the pattern matches (see 'koboldfs help get')
  koboldfs rm -r demo/photos           demo/photos, and every key below demo/photos/
  koboldfs rm -r --dry-run demo/       what would become of a namespace`;

export function makeRmCommand(context: CommandContext): Command {
  return withConnection(new Command("rm"))
    .description("delete files")
    .argument("<file...>", "NAMESPACE/KEY or a pattern; with -r NAMESPACE/FOLDER")
    .option("-r, --recursive", "delete every key below a folder too")
    .option("-f, --force", "do not ask, and a file that is not there is no failure")
    .option("-n, --dry-run", "delete nothing, only tell")
    .option("--literal", "* ? [ in keys mean themselves")
    .option("-j, --jobs <N>", "deletions under way at once", parseJobs, DEFAULT_JOBS)
    .addHelpText("after", EXAMPLES)
    .action(async (files: string[], options: RmOptions) => {
      const selections = files.flatMap((text) => parseSelections(text, options));
      await withRun(context, options, (run) => removeFiles(run, selections, options));
    });
}

/** With -r a text means what is below it, and the file of that name. */
function parseSelections(text: string, { recursive, literal }: RmOptions): FileSelection[] {
  if (recursive !== true) return [parseFileSelection(text, { literal: literal === true })];
  const folder = parseFileSelection(text, { recursive: true });
  // Emptying a whole namespace should not be one forgotten word away.
  if (!text.includes("/")) throw new UsageError(`to delete everything in ${text}, write '${text}/'`);
  return text.endsWith("/") ? [folder] : [folder, parseFileSelection(text, { literal: true })];
}

async function removeFiles(run: Run, selections: readonly FileSelection[], options: RmOptions): Promise<void> {
  const many = selections.filter((selection) => selection.kind === "many");
  const ones = selections.filter((selection) => selection.kind === "one");
  if (options.dryRun !== true && options.force !== true && !(await mayRemove(run, many))) {
    run.output.complain("koboldfs: nothing was deleted");
    run.context.exitWith(EXIT.failure);
    return;
  }
  const removed = { files: 0 };
  for (const selection of many) removed.files += await removeMany(run, selection, options);
  // The file that shares its name with a folder may be missing when the folder was there.
  const force = options.force === true || (options.recursive === true && removed.files > 0);
  await runMany(run, { items: ones, jobs: options.jobs }, (file) => removeOne(run, file, { ...options, force }));
}

function isWholeNamespace({ text, namespace }: ManyFiles): boolean {
  return /^\/?\**$/.test(text.slice(namespace.length));
}

/** Asks where there is somebody to ask and much to lose. */
async function mayRemove(run: Run, selections: readonly ManyFiles[]): Promise<boolean> {
  if (!canAsk(run.context)) {
    const whole = selections.find(isWholeNamespace);
    if (whole === undefined) return true;
    throw new UsageError(
      `${printable(whole.text)} means every file of ${whole.namespace}`,
      "Give --force to delete them.",
    );
  }
  for (const selection of selections) {
    const count = await countFiles(run.connect(selection.namespace), selection, run.context.signal);
    if (count.files <= ASK_ABOVE_FILES) continue;
    const files = `${formatFiles(count.files)} (${formatSize(count.bytes)})${count.isLeast ? " or more" : ""}`;
    if (!(await confirm(run.context, `Delete ${files} of ${printable(selection.text)}?`))) return false;
  }
  return true;
}

async function removeOne(
  run: Run,
  { namespace, key }: OneFile,
  { dryRun, force, recursive }: { dryRun?: true; force: boolean; recursive?: true },
): Promise<void> {
  const name = printable(`${namespace}/${key}`);
  const client = run.connect(namespace);
  const { signal } = run.context;
  const there =
    dryRun === true ? (await client.stat(key, { signal })) !== undefined : await client.delete(key, { signal });
  if (!there && !force) throw noSuchFile(namespace, key);
  if (!there && recursive === true) return;
  const done = dryRun === true ? "would delete" : "deleted";
  const document = dryRun === true ? { namespace, key, wouldDelete: there } : { namespace, key, deleted: there };
  await run.output.result(document, there ? `${done} ${name}` : `${name} was not there`);
}

async function removeMany(run: Run, selection: ManyFiles, options: RmOptions): Promise<number> {
  const { namespace } = selection;
  const client = run.connect(namespace);
  const { signal } = run.context;
  let seen = 0;
  const line = new LiveLine(run.context, () => `${formatFiles(seen)} of ${printable(selection.text)}`);
  async function* keys(): AsyncGenerator<string> {
    for await (const { key } of selectFiles(client, selection, signal)) {
      seen += 1;
      yield key;
    }
  }
  try {
    if (options.dryRun === true) {
      for await (const key of keys()) {
        line.clear();
        await run.output.result(
          { namespace, key, wouldDelete: true },
          `would delete ${printable(`${namespace}/${key}`)}`,
        );
      }
      return seen;
    }
    const deleted = await client.deleteMany(keys(), { signal });
    line.stop();
    await tellRemoved(run, selection, { deleted, seen, options });
    return seen;
  } finally {
    line.stop();
  }
}

async function tellRemoved(
  run: Run,
  selection: ManyFiles,
  { deleted, seen, options }: { deleted: number; seen: number; options: RmOptions },
): Promise<void> {
  const isEmptyPattern = seen === 0 && options.force !== true && options.recursive !== true;
  if (isEmptyPattern) return tellFailure(run, nothingSelected(selection));
  if (seen === 0 && options.recursive === true && !selection.text.endsWith("/")) return;
  const { namespace, text } = selection;
  const what =
    options.recursive === true ? { prefix: selection.prefix } : { pattern: text.slice(namespace.length + 1) };
  const words = `deleted ${formatFiles(deleted)} of ${printable(text)}`;
  await run.output.result(
    { namespace, ...what, deleted },
    deleted === seen ? words : `${words}, ${formatCount(seen - deleted)} were gone`,
  );
}
