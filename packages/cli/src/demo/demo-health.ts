import { setTimeout as sleep } from "node:timers/promises";
import type { NodeInfo } from "@koboldfs/protocol";
import type { DemoNode } from "./demo-node.js";

const POLL_MS = 200;
const REQUEST_TIMEOUT_MS = 5_000;

/** Resolves when each node is ready and sees as many nodes alive as there are. */
export async function waitUntilHealthy(nodes: readonly DemoNode[], signal: AbortSignal): Promise<void> {
  for (const node of nodes) {
    while (!(await isHealthy(node, nodes.length))) await sleep(POLL_MS, undefined, { signal });
  }
}

async function isHealthy({ url, isListening }: DemoNode, count: number): Promise<boolean> {
  if (!isListening) return false;
  try {
    const ready = await request(`${url}/readyz`);
    if (!ready.ok) return false;
    const { nodes } = (await (await request(`${url}/v1/nodes`)).json()) as { nodes: NodeInfo[] };
    return nodes.filter(({ state }) => state === "alive").length >= count;
  } catch {
    // Busy, or gone again: whoever watches the process will say so.
    return false;
  }
}

/** Creates the namespace unless it is there: whoever changed its policy in an earlier run keeps it. */
export async function ensureNamespace(url: string, namespace: string): Promise<void> {
  const address = `${url}/v1/namespaces/${namespace}`;
  const found = await request(address);
  if (found.ok) return;
  const created = await request(address, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ minCopies: 1 }),
  });
  if (!created.ok) throw new Error(`the namespace ${namespace} could not be created: ${await created.text()}`);
}

function request(url: string, init: RequestInit = {}): Promise<Response> {
  return fetch(url, { ...init, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
}
