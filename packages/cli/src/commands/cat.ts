import type { ByteRange } from "@koboldfs/client";
import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, type Run, withConnection, withRun } from "../connection.js";
import { type FileSelection, type OneFile, parseFileSelection } from "../files/file-selection.js";
import { nothingSelected, selectFiles } from "../files/select-files.js";
import { parseRange } from "../option-values.js";
import { type PastFlags, readPast, withPast } from "../past-options.js";
import { readToOutput } from "../transfer/read-to-output.js";
import { runMany, tellFailure } from "../transfer/run-many.js";

interface CatOptions extends ConnectionOptions, PastFlags {
  readonly range?: ByteRange;
  readonly literal?: true;
}

const EXAMPLES = `
With --json the files come as they are, and failures as JSON on standard error.

Examples:
  koboldfs cat demo/motd
  koboldfs cat 'demo/logs/2026-*.log' | grep error
  koboldfs cat --version 17 demo/motd
  koboldfs cat --range 0-99 demo/backup.tar | file -`;

export function makeCatCommand(context: CommandContext): Command {
  return withPast(withConnection(new Command("cat")))
    .description("write files to standard output, one after the other")
    .argument("<file...>", "NAMESPACE/KEY or a pattern (see 'koboldfs help get')")
    .option("--range <RANGE>", "only some bytes of each: FIRST-LAST, FIRST- or -COUNT", parseRange)
    .option("--literal", "* ? [ in keys mean themselves")
    .addHelpText("after", EXAMPLES)
    .action(async (files: string[], options: CatOptions) => {
      const how = { literal: options.literal === true, past: readPast(options) };
      const selections = files.map((text) => parseFileSelection(text, how));
      await withRun(context, options, async (run) => {
        // One after the other: they share one output.
        await runMany(run, { items: listFiles(run, selections), jobs: 1 }, (file) =>
          readToOutput(run, file, options.range),
        );
      });
    });
}

async function* listFiles(run: Run, selections: readonly FileSelection[]): AsyncGenerator<OneFile> {
  for (const selection of selections) {
    if (selection.kind === "one") {
      yield selection;
      continue;
    }
    const { namespace, past = {} } = selection;
    let found = false;
    for await (const { key } of selectFiles(run.connect(namespace), selection, run.context.signal)) {
      found = true;
      yield { kind: "one", namespace, key, past };
    }
    if (!found) tellFailure(run, nothingSelected(selection));
  }
}
