import { Command, InvalidArgumentError } from "commander";
import type { CommandMaker } from "../command-maker.js";
import type { DemoFlags } from "./demo-flags.js";

/** Each node is a process of about 100 MiB; more than this says nothing that nine do not say. */
const MAX_NODES = 9;

export const makeDemoCommand: CommandMaker = (context) =>
  new Command("demo")
    .description("run a whole cluster on this machine, one process for each node, to try KoboldFS out")
    .option("--dir <DIR>", "where the cluster keeps its files; used again by the next run", "koboldfs-demo")
    .option("--nodes <N>", `how many nodes, 1 to ${MAX_NODES}`, wholeNumber(1, MAX_NODES), 3)
    .option("--port <PORT>", "the first node's port; the others take those below it", wholeNumber(1024, 65_535), 9876)
    .action(async (flags: DemoFlags) => {
      const { runDemo } = await import("./run-demo.js");
      await runDemo(flags, context);
    });

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) throw new InvalidArgumentError(`It is a number from ${least} to ${most}.`);
    return value;
  };
}
