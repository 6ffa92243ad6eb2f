import { loadConfig } from "@koboldfs/server";
import { rebuildCatalog, type RebuildRequest } from "@koboldfs/server/recovery";
import type { CommandContext } from "../command-context.js";
import { EXIT } from "../exit-codes.js";
import { ConsoleOutput } from "../output/console-output.js";
import { parseServers } from "../settings/parse-servers.js";
import { UsageError } from "../usage-error.js";
import { formatRebuild, isSound } from "./format-rebuild.js";
import { ProgressLine } from "./progress-line.js";
import type { RebuildFlags } from "./recovery-flags.js";
import { giveThreadsRoom } from "./roomy-nursery.js";

/** Makes a catalog and tells what became of everything. Ends with a failure when something of it is missing. */
export async function runRebuild(flags: RebuildFlags, context: CommandContext): Promise<void> {
  giveThreadsRoom();
  const request = await readRequest(flags, context);
  const output = new ConsoleOutput(context, flags.json === true);
  const progress = new ProgressLine(context);
  try {
    const report = await rebuildCatalog(request, {
      onProgress: (step) => progress.show(step),
      signal: context.signal,
    });
    progress.stop();
    if (output.json) await output.line(JSON.stringify(report));
    else await output.lines(formatRebuild(report, output.table));
    if (!isSound(report)) context.exitWith(EXIT.failure);
  } finally {
    progress.stop();
  }
}

async function readRequest(flags: RebuildFlags, { env }: CommandContext): Promise<RebuildRequest> {
  const { dsn, data, server, config: path } = flags;
  const config = path === undefined ? undefined : (await loadConfig({ flags: { config: path }, env: {} })).config;
  const servers = server === undefined ? undefined : parseServers({ text: server, origin: "--server" });
  const directories = data ?? (servers === undefined ? config?.data : undefined);
  if (directories === undefined && servers === undefined) {
    throw new UsageError("from what? Give --data DIR for nodes that are stopped, or --server URL for nodes that run.");
  }
  if (directories !== undefined && servers !== undefined) {
    throw new UsageError("give --data or --server, not both");
  }
  const [clusterSecret, token] = [
    env["KOBOLDFS_CLUSTER_SECRET"] ?? config?.clusterSecret,
    env["KOBOLDFS_TOKEN"] ?? config?.token,
  ];
  return {
    dsn,
    ...(directories !== undefined && { data: directories }),
    ...(servers !== undefined && { servers }),
    ...{ clusterSecret, token, verify: flags.verify === true },
    ...{ replace: flags.replace === true, allowUnsafe: flags.allowUnsafeCatalog === true },
  };
}
