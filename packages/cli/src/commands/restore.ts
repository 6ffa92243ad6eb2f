import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, type Run, withConnection, withRun } from "../connection.js";
import { parseFileAddress, parsePrefixAddress } from "../file-address.js";
import { printable } from "../output/printable.js";
import { formatFiles } from "../output/sizes.js";
import { UsageError } from "../usage-error.js";

interface RestoreOptions extends ConnectionOptions {
  readonly prefix?: string;
  readonly asOf?: string;
}

const EXAMPLES = `
Examples:
  koboldfs restore demo/motd@17                                     that version, as a new one
  koboldfs restore --prefix demo/photos/ --as-of 2026-01-31T12:00:00Z   all below, in one commit`;

export function makeRestoreCommand(context: CommandContext): Command {
  return withConnection(new Command("restore"))
    .description("make older content current again")
    .argument("[file]", "NAMESPACE/KEY@VERSION")
    .option("--prefix <PREFIX>", "NAMESPACE/PREFIX: every key that begins so, as of a moment, in one commit")
    .option("--as-of <MOMENT>", "a journal number, or a time such as 2026-01-31T12:00:00Z")
    .addHelpText("after", EXAMPLES)
    .action((file: string | undefined, options: RestoreOptions) =>
      withRun(context, options, (run) => {
        const { prefix, asOf } = options;
        if ((file === undefined) === (prefix === undefined)) throw new UsageError("say either a file or --prefix");
        return prefix === undefined ? restoreVersion(run, file ?? "", asOf) : restorePrefix(run, prefix, asOf);
      }),
    );
}

async function restoreVersion(run: Run, what: string, asOf: string | undefined): Promise<void> {
  const match = /^(.+)@(\d{1,16})$/s.exec(what);
  if (match === null) throw new UsageError("say which version: NAMESPACE/KEY@VERSION; see 'koboldfs versions'");
  if (asOf !== undefined) throw new UsageError("--as-of goes with --prefix");
  const { namespace, key } = parseFileAddress(match[1] ?? "");
  const { version } = await run.connect(namespace).restore(key, Number(match[2]), { signal: run.context.signal });
  await run.output.result({ namespace, key, version }, `restored ${printable(what)} as version ${version}`);
}

async function restorePrefix(run: Run, what: string, asOf: string | undefined): Promise<void> {
  if (asOf === undefined) throw new UsageError("--prefix needs --as-of MOMENT");
  const { namespace, key: prefix } = parsePrefixAddress(what);
  const reply = await run.connect(namespace).restorePrefix(prefix, asOf, { signal: run.context.signal });
  const text = `restored ${formatFiles(reply.restored)}, removed ${formatFiles(reply.removed)}`;
  await run.output.result({ namespace, prefix, ...reply }, text);
}
