import type { NodeOrderRequest, NodePlan } from "@koboldfs/client";
import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, type Run, withConnection, withRun } from "../connection.js";
import { confirm } from "../node/confirm.js";
import { followDrain } from "../node/drain-progress.js";
import { formatPlan, formatState } from "../node/format-plan.js";
import { printable } from "../output/printable.js";
import { formatSize } from "../output/sizes.js";

interface OrderOptions extends ConnectionOptions {
  readonly yes?: true;
  readonly force?: true;
  readonly pause?: true;
  /** False with `--no-wait`. */
  readonly wait?: boolean;
}

/** The node that an order is for. */
interface Target {
  readonly run: Run;
  readonly name: string;
  readonly options: OrderOptions;
}

/** What an operator tells single nodes; each shows what it would mean before it is done. */
export function makeNodeOrderCommands(context: CommandContext): Command[] {
  return [
    orderCommand("drain", "empty a node's duties: it takes no new files, and is done when the others have all of its")
      .option("--pause", "stop draining: the node keeps its files and takes no new ones (see readonly)")
      .option("--no-wait", "do not wait until the others have everything")
      .action((name: string, options: OrderOptions) =>
        withRun(context, options, (run) => drain({ run, name, options })),
      ),
    orderCommand(
      "readonly",
      "let a node take no new files from clients; it still serves, and fetches what it owes",
    ).action((name: string, options: OrderOptions) =>
      withRun(context, options, (run) => order({ run, name, options }, { order: "readonly" })),
    ),
    orderCommand("revive", "let a node do everything again").action((name: string, options: OrderOptions) =>
      withRun(context, options, (run) => order({ run, name, options }, { order: "alive" })),
    ),
    orderCommand("forget", "declare a node dead, for ever: it counts no more and is refused if it returns")
      .option("--force", "also when files are known to be on this node only: they are lost")
      .action((name: string, options: OrderOptions) =>
        withRun(context, options, (run) => forget({ run, name, options })),
      ),
    orderCommand(
      "refill",
      "let a stopped node come back with empty or fewer disks, and fill it from the others",
    ).action((name: string, options: OrderOptions) =>
      withRun(context, options, (run) => refill({ run, name, options })),
    ),
  ];
  function orderCommand(name: string, description: string): Command {
    return withConnection(new Command(name))
      .description(description)
      .argument("<node>", "the node's name")
      .option("--yes", "do not ask");
  }
}

async function drain(target: Target): Promise<void> {
  const { run, options } = target;
  if (options.pause === true) return order(target, { order: "readonly" });
  const begun = await orderAsked(target, { order: "draining" });
  if (begun === undefined) return;
  const plan = options.wait === false ? begun : await followDrain(run, begun);
  await run.output.result(plan, formatDrainEnd(plan));
}

function formatDrainEnd(plan: NodePlan): string {
  const name = printable(plan.node);
  if (plan.order !== "draining") return `${name} is no longer being drained: it is ${formatState(plan)}`;
  return plan.isDispensable
    ? `${name} is drained: stop it and its web server, then 'koboldfs node forget ${name}'`
    : `${name} is being drained; 'koboldfs node drain ${name} --yes' shows how far it is`;
}

async function forget(target: Target): Promise<void> {
  const { run, name, options } = target;
  const blobs = await run.connectCluster().soleBlobs(name);
  if (!run.output.json) {
    const lines = blobs.map(({ namespace, digest, size }) => {
      return `only on ${printable(name)}: ${printable(namespace)} ${digest} ${formatSize(size)}`;
    });
    await run.output.lines(lines);
  }
  const request = { order: "dead", ...(options.force === true && { force: true }) } as const;
  const plan = await orderAsked(target, request);
  if (plan === undefined) return;
  const text = `${printable(name)} is dead to the cluster; stop its web server too, it would go on sending old files`;
  await run.output.result(plan, text);
}

async function refill({ run, name, options }: Target): Promise<void> {
  const client = run.connectCluster();
  if (!(await isWanted(run, await client.nodePlan(name), options))) return;
  const plan = await client.refillNode(name);
  const text = `start ${printable(name)} now, with its old name and whatever disks it has: it is filled from the others`;
  await run.output.result(plan, text);
}

async function order(target: Target, request: NodeOrderRequest): Promise<void> {
  const { run } = target;
  const plan = await orderAsked(target, request);
  if (plan !== undefined) await run.output.result(plan, `${printable(plan.node)} is ordered to be ${plan.order}`);
}

/** Undefined when the person at the terminal said no. */
async function orderAsked({ run, name, options }: Target, request: NodeOrderRequest): Promise<NodePlan | undefined> {
  const client = run.connectCluster();
  if (!(await isWanted(run, await client.nodePlan(name), options))) return undefined;
  return client.orderNode(name, request);
}

/** Shows the plan, and asks unless it was said already. */
async function isWanted(run: Run, plan: NodePlan, options: OrderOptions): Promise<boolean> {
  if (!run.output.json) await run.output.lines(formatPlan(plan));
  return options.yes === true || confirm(run.context, "Go on?");
}
