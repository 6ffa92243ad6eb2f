import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, withConnection, withRun } from "../connection.js";
import { parseFileSelection } from "../files/file-selection.js";
import { parseJobs } from "../option-values.js";
import { copyFiles } from "../transfer/copy-files.js";
import { parseCopyTarget } from "../transfer/copy-target.js";
import { DEFAULT_JOBS } from "../transfer/run-many.js";
import { UsageError } from "../usage-error.js";

interface CopyOptions extends ConnectionOptions {
  readonly recursive?: true;
  readonly clobber: boolean;
  readonly literal?: true;
  readonly jobs: number;
}

const EXAMPLES = `
Inside a namespace no bytes move. From one to another they go through this machine, checked both ways, with content type
and metadata.

Examples:
  koboldfs cp demo/motd demo/motd.old            a second name
  koboldfs cp demo/motd archive/2026/            into another namespace
  koboldfs cp 'demo/photos/*.jpg' archive/jpg/   what the pattern matches (see 'koboldfs help get')
  koboldfs cp -r demo/photos archive/photos      every key below demo/photos/`;

export function makeCpCommand(context: CommandContext): Command {
  return makeCopyCommand(context, "cp", "copy files").addHelpText("after", EXAMPLES);
}

/** `cp` and `mv` differ in one thing. */
export function makeCopyCommand(context: CommandContext, name: "cp" | "mv", description: string): Command {
  return withConnection(new Command(name))
    .description(description)
    .usage("[options] <source...> <target>")
    .argument(
      "<files...>",
      "sources: NAMESPACE/KEY or patterns, with -r NAMESPACE/FOLDER; last the target: NAMESPACE/KEY, or NAMESPACE or NAMESPACE/PREFIX/ to keep the files' names",
    )
    .option("-r, --recursive", "every key below a folder")
    .option("-n, --no-clobber", "refuse where there is a file already")
    .option("--literal", "* ? [ in keys mean themselves")
    .option("-j, --jobs <N>", "files under way at once between namespaces", parseJobs, DEFAULT_JOBS)
    .action(async (files: string[], options: CopyOptions) => {
      const text = files.at(-1);
      const sources = files.slice(0, -1);
      if (text === undefined || sources.length === 0) throw new UsageError("say which files, then the target");
      const recursive = options.recursive === true;
      const how = { recursive, literal: options.literal === true };
      const selections = sources.map((source) => parseFileSelection(source, how));
      const target = parseCopyTarget(text, { selections, recursive });
      const { clobber, jobs } = options;
      await withRun(context, options, (run) =>
        copyFiles({ run, target, moves: name === "mv", clobber, jobs }, selections),
      );
    });
}
