import { KoboldError } from "@koboldfs/protocol";
import { createNodeLogger, type LogDestination, loadConfig, startNode } from "@koboldfs/server";
import type { CommandContext } from "../command-context.js";
import type { ServeFlags } from "./serve-flags.js";
import { exitCodeOfStart } from "./start-exit-code.js";
import { StopRequest } from "./stop-request.js";

/** Runs a node until SIGTERM, SIGINT or the end of the process that started it; the second signal ends it at once. */
export async function runServe(flags: ServeFlags, context: CommandContext): Promise<void> {
  const stop = new StopRequest(context.signal);
  try {
    const { config } = await loadConfig({ flags, env: context.env });
    const log = createNodeLogger(config.log, config.name, await logDestination(context));
    const node = await startNode(config, { log, signal: stop.signal });
    await Promise.race([stop.requested, node.expelled]);
    await node.stop();
    if (!stop.signal.aborted) context.exitWith(1);
  } catch (error) {
    if (stop.signal.aborted) return;
    context.stderr.write(`${describeFailure(error)}\n`);
    context.exitWith(exitCodeOfStart(error));
  } finally {
    stop.close();
  }
}

/** People get short coloured lines, everything else gets JSON. */
async function logDestination(context: CommandContext): Promise<LogDestination | undefined> {
  if (!context.stdout.isTTY) return undefined;
  const { PinoPretty } = await import("pino-pretty");
  return PinoPretty({ sync: true, ignore: "pid,name,event", translateTime: "SYS:HH:MM:ss.l", singleLine: true });
}

function describeFailure(error: unknown): string {
  if (error instanceof KoboldError) return `koboldfs: ${error.code}: ${error.message}\n  hint: ${error.rule.hint}`;
  return `koboldfs: could not start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
