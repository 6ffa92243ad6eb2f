import type { Digest, FileKey, NamespaceName } from "@koboldfs/protocol";
import { NODE_STATES } from "./node-state.js";
import type { NodeStateName } from "@koboldfs/protocol";

/** A URL with this in it must be signed; the others are for everybody who knows them. */
const SIGNATURE = "{signature}";

/** Whether direct URLs of a namespace need a signature: whether its template has a place for one. */
export function isPrivateTemplate(template: string): boolean {
  return template.includes(SIGNATURE);
}

/** What a direct URL is made of. */
export interface DirectUrlParts {
  /** The node's base URL. */
  readonly nodeUrl: string;
  readonly namespace: NamespaceName;
  readonly digest: Digest;
  readonly key: FileKey;
  /** Query that vouches for the rest; asked for when the template wants one. */
  readonly sign: () => string;
}

/**
 * Fills a namespace's URL template: `{server}` is the node's host name and `{url}` its URL, `{namespace}` the namespace,
 * `{path}` where the bytes lie under `blobs/<namespace>/`, `{key}` the key and `{name}` its last part, both
 * percent-encoded, and `{signature}` the query of a signed URL. Other braces stay.
 */
export function formatDirectUrl(template: string, parts: DirectUrlParts): string {
  const { nodeUrl, namespace, digest, key, sign } = parts;
  const values: Readonly<Record<string, () => string>> = {
    server: () => new URL(nodeUrl).hostname,
    url: () => nodeUrl.replace(/\/+$/, ""),
    namespace: () => namespace,
    path: () => `${digest.slice(0, 2)}/${digest.slice(2, 4)}/${digest}`,
    key: () => key.split("/").map(encodeURIComponent).join("/"),
    name: () => encodeURIComponent(fileNameOf(key)),
    signature: sign,
  };
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => values[name]?.() ?? whole);
}

/** The last part of a key, as the last segment of a URL: what web servers would take for a step is called `file`. */
export function fileNameOf(key: string): string {
  const name = key.slice(key.lastIndexOf("/") + 1);
  return name === "" || name === "." || name === ".." || name.includes("\0") ? "file" : name;
}

/** What is known of a node that may be sent readers. */
export interface ServingCandidate {
  readonly state: NodeStateName;
  readonly zone: string;
  /** It holds or owes everything up to the first of these, and everything behind the second. */
  readonly backfillPosition: number;
  readonly joinedAt: number;
  /** It owes this very blob. */
  readonly owes: boolean;
}

/** The node to send a reader of a version to: one that serves and has it, near before far, by chance among equals. */
export function chooseServingNode<T extends ServingCandidate>(
  candidates: readonly T[],
  wanted: { readonly version: number; readonly zone: string },
  random: () => number,
): T | undefined {
  const having = candidates.filter(
    (node) =>
      NODE_STATES[node.state].serves &&
      !node.owes &&
      // Its backfill has come so far, or the version is younger than its entry.
      (wanted.version <= node.backfillPosition || wanted.version > node.joinedAt),
  );
  const near = having.filter((node) => node.zone === wanted.zone);
  const best = near.length > 0 ? near : having;
  return best[Math.floor(random() * best.length)];
}
