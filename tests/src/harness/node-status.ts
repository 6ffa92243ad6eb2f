import type { StatusReply } from "@koboldfs/protocol";
import type { Cluster } from "./cluster.js";
import type { NodeProcess } from "./node-process.js";
import { jsonOf, rawRequest } from "./raw-request.js";
import { waitUntil } from "./wait-until.js";

export async function statusOf(node: NodeProcess): Promise<StatusReply> {
  return jsonOf<StatusReply>(await rawRequest(node.url, { path: "/v1/status" }));
}

/** Waits until the node reads from its catalog, not from its mirror, and the mirror has everything. */
export async function waitUntilWhole(node: NodeProcess): Promise<void> {
  await waitUntil(`node ${node.name} and its catalog agree`, async () => {
    const { asOf, head, nodes } = await statusOf(node);
    return asOf === undefined && nodes.find(({ name }) => name === node.name)?.mirror?.number === head;
  });
}

/** What the running nodes had to mend in the catalog's history. */
export async function historyKindsOf({ running }: Cluster): Promise<string[]> {
  const replies = await Promise.all(running.map(statusOf));
  return replies.flatMap(({ history }) => history.map(({ kind }) => kind));
}
