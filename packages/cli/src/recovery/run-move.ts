import { moveCatalog, type MoveReport } from "@koboldfs/server/recovery";
import type { CommandContext } from "../command-context.js";
import { ConsoleOutput } from "../output/console-output.js";
import { formatDuration } from "../output/durations.js";
import { formatCount, formatFiles, formatSize } from "../output/sizes.js";
import { ProgressLine } from "./progress-line.js";
import type { MoveFlags } from "./recovery-flags.js";
import { giveThreadsRoom } from "./roomy-nursery.js";

export async function runMove(flags: MoveFlags, context: CommandContext): Promise<void> {
  giveThreadsRoom();
  const output = new ConsoleOutput(context, flags.json === true);
  const progress = new ProgressLine(context);
  const { from, to } = flags;
  try {
    const report = await moveCatalog(
      { from, to, replace: flags.replace === true, allowUnsafe: flags.allowUnsafeCatalog === true },
      { onProgress: (step) => progress.show(step), signal: context.signal },
    );
    progress.stop();
    if (output.json) await output.line(JSON.stringify(report));
    else await output.lines(formatMove(report));
  } finally {
    progress.stop();
  }
}

function formatMove({ cluster, from, to, head, epoch, names, bytes, stoppedMs }: MoveReport): string[] {
  return [
    `The catalog of cluster ${cluster} is in ${to} now: journal up to ${formatCount(head)}, epoch ${epoch}, ` +
      `${formatFiles(names)} of ${formatSize(Number(bytes))}.`,
    `Writes are refused since ${formatDuration(stoppedMs / 1000)}, reads come from the mirrors: write the new dsn into each`,
    `node's configuration and restart the nodes, one after the other. The old ${from} catalog takes no write any more.`,
  ];
}
