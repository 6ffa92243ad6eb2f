import { statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import type { CommandContext } from "../command-context.js";
import { takesColors } from "../output/colors.js";
import { StopRequest } from "../serve/stop-request.js";
import type { DemoFlags } from "./demo-flags.js";
import { ensureNamespace, waitUntilHealthy } from "./demo-health.js";
import { DemoLog } from "./demo-log.js";
import { DemoNode } from "./demo-node.js";
import { chooseDemoPorts } from "./demo-ports.js";
import { renderDemoScreen } from "./demo-screen.js";
import { DemoSupervisor } from "./demo-supervisor.js";

const NAMESPACE = "demo";
const DEFAULT_SERVER = "http://127.0.0.1:9876";
/** Small text files that a machine may have, to show a first put with. */
const SAMPLES = ["/etc/motd", "/etc/hostname", "/etc/hosts"];

/** Runs a cluster of real processes until it is told to stop. */
export async function runDemo(flags: DemoFlags, context: CommandContext): Promise<void> {
  const stop = new StopRequest(context.signal);
  const write = (text: string) => context.stdout.write(text);
  const log = new DemoLog(write, {
    colorize: takesColors(context.stdout, context.env),
    nameWidth: nameOf(flags.nodes - 1).length,
  });
  try {
    const nodes = await planNodes(flags, log);
    write(`Starting ${nodes.length} nodes in ${resolve(flags.dir)} ...\n`);
    const supervisor = new DemoSupervisor(nodes, { log, signal: stop.signal });
    try {
      await Promise.race([supervisor.failed, stop.requested, becomeHealthy(nodes, supervisor.signal)]);
      if (!stop.signal.aborted) write(screenOf(nodes, flags));
      supervisor.keepRunning();
      log.release();
      await Promise.race([supervisor.failed, stop.requested]);
    } finally {
      log.release();
      write("\nStopping the nodes ...\n");
      await supervisor.stop();
    }
  } finally {
    stop.close();
  }
}

async function planNodes(flags: DemoFlags, log: DemoLog): Promise<DemoNode[]> {
  const folder = resolve(flags.dir);
  await mkdir(folder, { recursive: true });
  const dsn = `sqlite:${join(folder, "catalog.sqlite")}`;
  const ports = await chooseDemoPorts(flags.port, flags.nodes);
  return ports.map((port, index) => {
    const name = nameOf(index);
    return new DemoNode({ name, port, data: join(folder, name), dsn, onLine: (line) => log.take(name, line) });
  });
}

async function becomeHealthy(nodes: readonly DemoNode[], signal: AbortSignal): Promise<void> {
  await waitUntilHealthy(nodes, signal);
  const [first] = nodes;
  if (first !== undefined) await ensureNamespace(first.url, NAMESPACE);
}

function screenOf(nodes: readonly DemoNode[], flags: DemoFlags): string {
  const moved = nodes.filter(({ options }, index) => options.port !== flags.port - index);
  const here = (path: string) => {
    const short = relative(process.cwd(), path);
    return short.startsWith("..") ? path : short;
  };
  return renderDemoScreen({
    nodes: nodes.map(({ url, options }) => ({ name: options.name, url, data: here(options.data) })),
    catalog: here(join(resolve(flags.dir), "catalog.sqlite")),
    namespace: NAMESPACE,
    sample: SAMPLES.find(isSample) ?? process.execPath,
    defaultServer: DEFAULT_SERVER,
    notes: moved.map(({ options }) => `the usual port of ${options.name} is taken; it listens on ${options.port}.`),
  });
}

function isSample(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true && found.size > 0;
}

function nameOf(index: number): string {
  return `kobold${index + 1}`;
}
