import type { ChangesOptions } from "@koboldfs/client";
import { type ChangeInfo, KoboldError } from "@koboldfs/protocol";
import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, type Run, withConnection, withRun } from "../connection.js";
import { parsePrefixAddress } from "../file-address.js";
import { reportFailure } from "../failure-report.js";
import { parseNumber } from "../option-values.js";
import { printable } from "../output/printable.js";
import { formatSize } from "../output/sizes.js";

interface WatchOptions extends ConnectionOptions {
  readonly after?: number;
}

const EXAMPLES = `
It goes on until it is stopped, also while servers restart. A rename is a put and a delete; a copy, a restore and an
undelete are puts; a file that expires is deleted. Every line begins with its number: --after goes on behind it.

Examples:
  koboldfs watch                              every change of every namespace from now on
  koboldfs watch demo/inbox/                  what begins with inbox/
  koboldfs watch demo --after 4711 --json     everything behind number 4711, for a program`;

export function makeWatchCommand(context: CommandContext): Command {
  return withConnection(new Command("watch"))
    .description("follow what changes, as it happens")
    .argument("[where]", "NAMESPACE or NAMESPACE/PREFIX (default: every namespace)")
    .option("--after <N>", "begin behind this journal number (default: now)", parseNumber)
    .addHelpText("after", EXAMPLES)
    .action((where: string | undefined, options: WatchOptions) =>
      withRun(context, options, (run) => watch(run, where, options)),
    );
}

async function watch(run: Run, where: string | undefined, options: WatchOptions): Promise<void> {
  const { context, output } = run;
  let after = options.after;
  let isFollowing = false;
  const onPosition = (number: number) => {
    isFollowing = true;
    after = number;
  };
  for (;;) {
    try {
      const which = { signal: context.signal, onPosition, ...(after !== undefined && { after }) };
      for await (const change of openChanges(run, where, which)) {
        await output.result(change, formatChange(change));
        after = change.number;
      }
    } catch (error) {
      // Who never had an answer wants to know; who had one waits until the cluster is back.
      if (!isFollowing || !(error instanceof KoboldError) || !error.rule.retryable) throw error;
      output.complain(reportFailure(error, output.json).line);
    }
  }
}

function openChanges(run: Run, where: string | undefined, which: ChangesOptions): AsyncIterable<ChangeInfo> {
  if (where === undefined) return run.connectCluster().allChanges(which);
  const { namespace, key: prefix } = parsePrefixAddress(where);
  return run.connect(namespace).changes({ ...which, prefix });
}

const NUMBER_WIDTH = 8;
const SIZE_WIDTH = 8;

function formatChange({ number, kind, namespace, key, size, time, version }: ChangeInfo): string {
  const what = `${String(number).padStart(NUMBER_WIDTH)}  ${time}  ${kind.padEnd("delete".length)}`;
  const bytes = (size === undefined ? "" : formatSize(size)).padStart(SIZE_WIDTH);
  const name = printable(`${namespace}/${key}`);
  return `${what}  ${bytes}  ${kind === "purge" ? `${name}@${version}` : name}`;
}
