import type { RebuiltCatalog } from "@koboldfs/server/recovery";
import type { Cluster } from "./cluster.js";
import { COMMAND, runProgram } from "./run-program.js";

/** Runs `koboldfs catalog …` with the cluster's secret. Throws with all it said unless it ended well. */
export async function runCatalogCommand<Report>(cluster: Cluster, args: readonly string[]): Promise<Report> {
  const { code, stdout, stderr } = await tryCatalogCommand(cluster, args);
  if (code !== 0) throw new Error(`koboldfs catalog ${args.join(" ")} ended with ${code}:\n${stdout}\n${stderr}`);
  return JSON.parse(stdout) as Report;
}

export function tryCatalogCommand(cluster: Cluster, args: readonly string[]) {
  const env = cluster.secret === undefined ? {} : { KOBOLDFS_CLUSTER_SECRET: cluster.secret };
  return runProgram(COMMAND, ["catalog", ...args, "--json"], { cwd: cluster.folder, env });
}

export function rebuildFrom(cluster: Cluster, dsn: string, more: readonly string[]): Promise<RebuiltCatalog> {
  return runCatalogCommand<RebuiltCatalog>(cluster, ["rebuild", "--dsn", dsn, ...more]);
}

export async function stopAll(cluster: Cluster): Promise<void> {
  for (const node of cluster.running) await node.stop();
}

/** Starts every node, with this catalog. */
export async function startAllOn(cluster: Cluster, dsn: string): Promise<void> {
  for (const node of cluster.nodes) {
    node.useCatalog(dsn);
    await node.start();
  }
  await cluster.waitUntilAllSeeAll();
}
