import { isDeepStrictEqual } from "node:util";
import { KoboldError, type NodeId, type NodeName } from "@koboldfs/protocol";
import type { CommitCatalog, NodeCatalog, NodeRecord } from "../catalog/catalog.js";
import type { NodeSettings } from "../model/change.js";
import { NODE_STATES } from "../model/node-state.js";

/**
 * What the catalog knows of a node that is about to start, or undefined when it is new. Changes nothing.
 * Throws `node_name_taken` and `node_dead`.
 */
export async function findRegistration(
  catalog: NodeCatalog,
  { id, name }: { id: NodeId; name: NodeName },
): Promise<NodeRecord | undefined> {
  const nodes = await catalog.listNodes();
  const other = nodes.find((node) => node.name === name && node.id !== id && NODE_STATES[node.state].mayReturn);
  if (other !== undefined) {
    throw new KoboldError("node_name_taken", `the name ${name} belongs to node ${other.id} at ${other.url}`);
  }
  const known = nodes.find((node) => node.id === id);
  if (known !== undefined && !NODE_STATES[known.state].mayReturn) {
    throw new KoboldError("node_dead", `node ${known.name} (${id}) was declared dead`);
  }
  return known;
}

/**
 * Enters a node into the catalog, or brings its entry up to date; commits only when something changed. What the operator
 * set of its state stays. Volumes are only ever added: to take one away is an operator's act.
 * Throws what `findRegistration` throws.
 */
export async function registerNode(
  catalog: CommitCatalog & NodeCatalog,
  node: Omit<NodeSettings, "state">,
): Promise<void> {
  const known = await findRegistration(catalog, node);
  const volumes = [...new Set([...(known?.volumes ?? []), ...node.volumes])].sort();
  const wanted = { ...node, volumes };
  if (known !== undefined && isDeepStrictEqual(settingsOf(known), wanted)) return;
  const outcome = await catalog.commit({ kind: "set-node", node: wanted });
  if (!outcome.ok) throw outcome.error;
}

function settingsOf({ id, name, url, zone, volumes }: NodeRecord): Omit<NodeSettings, "state"> {
  return { id, name, url, zone, volumes: [...volumes].sort() };
}
