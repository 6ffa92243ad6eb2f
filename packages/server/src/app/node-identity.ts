import { randomBytes } from "node:crypto";
import type { NodeId, NodeName } from "@koboldfs/protocol";
import { findVolumeRecords } from "../blobs/disk/open-volumes.js";
import type { NodeCatalog } from "../catalog/catalog.js";
import { NODE_STATES } from "../model/node-state.js";

/**
 * Who this node is: what its volumes say; else the node of its name whose disks the operator declared lost; else nobody
 * yet, and it gets a new id. When volumes contradict each other, opening them is refused, whichever answer was taken here.
 */
export async function findNodeId(
  { data, name }: { readonly data: readonly string[]; readonly name: NodeName },
  catalog: Pick<NodeCatalog, "listNodes">,
): Promise<NodeId> {
  const [record] = await findVolumeRecords(data);
  return record?.node ?? (await findEmptiedNode(name, catalog)) ?? (randomBytes(8).toString("hex") as NodeId);
}

/** A node that no volume proves any more. As soon as it has entered its new ones, nobody can take its place. */
async function findEmptiedNode(name: NodeName, catalog: Pick<NodeCatalog, "listNodes">): Promise<NodeId | undefined> {
  const nodes = await catalog.listNodes();
  const isEmptied = (node: (typeof nodes)[number]) => node.name === name && node.volumes.length === 0;
  return nodes.find((node) => isEmptied(node) && NODE_STATES[node.state].mayReturn)?.id;
}
