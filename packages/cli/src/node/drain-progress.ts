import type { NodePlan } from "@koboldfs/client";
import type { Run } from "../connection.js";
import { LiveLine } from "../output/live-line.js";
import { formatDrain } from "./format-plan.js";

/** A second is soon enough for a person, and nothing for the catalog. */
const POLL_MS = 1_000;

/** Follows a drain until every file is on the other nodes. Ctrl-C ends only the watching. */
export async function followDrain(run: Run, begun: NodePlan): Promise<NodePlan> {
  const client = run.connectCluster();
  const { signal } = run.context;
  let plan = begun;
  const line = new LiveLine(run.context, (seconds) => formatDrain(plan, { owedFiles: begun.owedFiles, seconds }));
  try {
    while (!plan.isDispensable) {
      await pause(POLL_MS, signal);
      plan = await client.nodePlan(plan.node, { signal });
      if (plan.order !== "draining") return plan;
    }
    return plan;
  } finally {
    line.stop();
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
