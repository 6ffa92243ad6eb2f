import type { FileInfo, NamespaceInfo, NodeInfo, NodeStateName } from "@koboldfs/protocol";
import { encodeKey } from "./file-address.js";

/** States in which a node's web server may be expected to have and send blobs. */
const SERVING: ReadonlySet<NodeStateName> = new Set<NodeStateName>(["alive", "readonly", "draining"]);

/** The node to send a reader to: one that serves, better one that owes nothing; undefined when there is none. */
export function chooseServingNode(nodes: readonly NodeInfo[], random: () => number): NodeInfo | undefined {
  const serving = nodes.filter((node) => SERVING.has(node.state));
  const complete = serving.filter((node) => node.debtFiles === 0 && node.backfill === 1);
  const candidates = complete.length > 0 ? complete : serving;
  return candidates[Math.floor(random() * candidates.length)];
}

/**
 * Fills a namespace's URL template: `{server}` is the node's host name, `{namespace}` the namespace, `{path}` where the
 * bytes lie under `blobs/<namespace>/`, `{key}` the key and `{name}` its last part, both percent-encoded.
 * Undefined when the namespace has no template.
 */
export function formatDirectUrl(namespace: NamespaceInfo, node: NodeInfo, file: FileInfo): string | undefined {
  const values: Readonly<Record<string, string>> = {
    server: new URL(node.url).hostname,
    namespace: namespace.name,
    path: `${file.digest.slice(0, 2)}/${file.digest.slice(2, 4)}/${file.digest}`,
    key: encodeKey(file.key),
    name: encodeURIComponent(file.key.slice(file.key.lastIndexOf("/") + 1)),
  };
  return namespace.urlTemplate?.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}
