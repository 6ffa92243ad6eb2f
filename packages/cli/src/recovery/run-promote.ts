import { loadConfig } from "@koboldfs/server";
import { type OtherMachine, promoteCatalog, type PromotedCatalog } from "@koboldfs/server/recovery";
import type { CommandContext } from "../command-context.js";
import { canAsk, confirm } from "../confirm.js";
import { EXIT } from "../exit-codes.js";
import { ConsoleOutput } from "../output/console-output.js";
import { printable } from "../output/printable.js";
import { formatRebuild, isSound } from "./format-rebuild.js";
import { ProgressLine } from "./progress-line.js";
import type { PromoteFlags } from "./recovery-flags.js";
import { giveThreadsRoom } from "./roomy-nursery.js";

export async function runPromote(flags: PromoteFlags, context: CommandContext): Promise<void> {
  giveThreadsRoom();
  const { config } = await loadConfig({ flags: { config: flags.config }, env: context.env });
  const output = new ConsoleOutput(context, flags.json === true);
  const progress = new ProgressLine(context);
  try {
    const report = await promoteCatalog(
      {
        ...{ config, dsn: flags.dsn, replace: flags.replace === true },
        confirmGone: async (other) => flags.otherIsGone === true || (await ask(other, context)),
      },
      { onProgress: (step) => progress.show(step), signal: context.signal },
    );
    progress.stop();
    if (output.json) await output.line(JSON.stringify(report));
    else await output.lines([...formatRebuild(report, output.table), ...formatReturn(report, flags.dsn)]);
    if (!isSound(report)) context.exitWith(EXIT.failure);
  } finally {
    progress.stop();
  }
}

async function ask({ name, url }: OtherMachine, context: CommandContext): Promise<boolean> {
  if (!canAsk(context)) return false;
  const machine = `${printable(name)} (${printable(url)})`;
  return confirm(
    context,
    `${machine} does not answer. Is that machine off, and will it stay off until it gets the new dsn?`,
  );
}

function formatReturn({ other }: PromotedCatalog, dsn: string): string[] {
  if (other === undefined) return [];
  const name = printable(other.name);
  if (dsn.startsWith("sqlite:")) {
    return [
      `${name} cannot reach an SQLite file of this machine: before it comes back, 'koboldfs catalog move' to a server.`,
    ];
  }
  return [`To bring ${name} back, start its node with the new dsn; what only it knows is joined then.`];
}
