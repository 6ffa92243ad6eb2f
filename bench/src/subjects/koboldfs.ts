import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { NodeInfo } from "@koboldfs/protocol";
import { Child, findAnswer } from "./child.js";
import type { RunningSubject, SubjectContext } from "./subject.js";

export const COMMAND = fileURLToPath(new URL("../../../packages/cli/bin/koboldfs.js", import.meta.url));
/** The same as modules, whose names say what a profile's time was spent on. */
const MODULES = [
  "--require",
  fileURLToPath(new URL("../../../packages/cli/bin/tune-process.js", import.meta.url)),
  fileURLToPath(new URL("../../../packages/cli/dist/koboldfs.js", import.meta.url)),
];
/** What the first line of the command says to Node; the flags of a profile have no place there. */
export const HEAP_FLAG = "--max-semi-space-size=1";
export const NAMESPACE = "bench";
/** Until V8 has compiled what a request goes through; the CPU for one no longer falls then. */
export const FIRST_SECONDS = { put: 60, get: 15, mixed: 20 };

export interface ClusterOptions {
  readonly nodes: number;
  /** The catalog, the same for every node. */
  readonly dsn: string;
  /** Processes beside the nodes that work for the cluster: the database server. */
  readonly otherProcesses?: readonly number[];
}

/** One `koboldfs serve`. */
export interface Node {
  readonly child: Child;
  readonly url: string;
}

/**
 * A cluster as shipped: `koboldfs serve` with its defaults, every node with a volume of its own on the same disk, and as
 * many acknowledged copies as there are nodes, each fsynced. Clients spread over all of them.
 */
export async function startCluster(context: SubjectContext, options: ClusterOptions): Promise<RunningSubject> {
  const nodes: Node[] = [];
  const stop = async () => {
    await Promise.all(nodes.map(({ child }) => child.stop()));
  };
  try {
    for (let number = 1; number <= options.nodes; number++) nodes.push(await startNode(context, options, { number }));
    const urls = nodes.map(({ url }) => url);
    await waitUntilComplete(nodes);
    await createNamespace(urls[0] ?? "");
    const folderUrls = urls.map((url) => `${url}/v1/files/${NAMESPACE}/`);
    const processes = [...nodes.map(({ child }) => child.pid), ...(options.otherProcesses ?? [])];
    return { folder: context.folder, processes, folderUrls, copyUrls: folderUrls, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The flags stand behind the usual ones. */
export async function startNode(
  { folder, profileFolder }: SubjectContext,
  options: ClusterOptions,
  { number, flags = [] }: { readonly number: number; readonly flags?: readonly string[] },
): Promise<Node> {
  const data = join(folder, `node${number}`);
  await mkdir(data, { recursive: true });
  const command = profileFolder === undefined ? [COMMAND] : ["--cpu-prof", "--cpu-prof-dir", profileFolder, ...MODULES];
  const settings = ["--name", `node${number}`, "--listen", "127.0.0.1:0", "--data", data, "--dsn", options.dsn];
  const copies = ["--ack-copies", String(options.nodes)];
  const args = [HEAP_FLAG, ...command, "serve", ...settings, ...copies, ...flags];
  const title = `koboldfs node${number}`;
  const child = new Child({ title, command: process.execPath, args, env: ourEnvironment() });
  return { child, url: await child.waitFor(findListening) };
}

/** What the operator of this shell set for KoboldFS must not change what is measured. */
export function ourEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("KOBOLDFS_")));
}

/** The URL in the line a node logs when it is ready to serve. */
function findListening(said: string): string | undefined {
  for (const line of said.split("\n").slice(0, -1)) {
    if (!line.includes('"listening"')) continue;
    const { event, url } = JSON.parse(line) as { event?: string; url?: string };
    if (event === "listening") return url;
  }
  return undefined;
}

/** Until each node sees all of them alive: before that a put would be acknowledged with fewer copies. */
export async function waitUntilComplete(nodes: readonly Node[]): Promise<void> {
  for (const { child, url } of nodes) {
    await child.waitFor(async () => {
      const response = await findAnswer(`${url}/v1/nodes`);
      if (!response?.ok) return undefined;
      const seen = (await response.json()) as NodeInfo[] | { nodes: NodeInfo[] };
      const all = Array.isArray(seen) ? seen : seen.nodes;
      return (
        all.filter(({ state, backfill }) => state === "alive" && backfill === 1).length === nodes.length || undefined
      );
    });
  }
}

/** Makes the namespace that the load goes to. */
export async function createNamespace(url: string): Promise<void> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${url}/v1/namespaces/${NAMESPACE}`, { method: "PUT", headers, body: "{}" });
  if (!response.ok) throw new Error(`the namespace was refused: ${response.status} ${await response.text()}`);
}
