import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CRASH_POINT_VARIABLE, type CrashPoint } from "@koboldfs/server/crash-points";
import type { RebuiltCatalog } from "@koboldfs/server/recovery";
import type { Cluster } from "./cluster.js";
import { COMMAND, runProgram } from "./run-program.js";

/** Runs `koboldfs catalog …` with the cluster's secret. Throws with all it said unless it ended well. */
export async function runCatalogCommand<Report>(cluster: Cluster, args: readonly string[]): Promise<Report> {
  const { code, stdout, stderr } = await tryCatalogCommand(cluster, args);
  if (code !== 0) throw new Error(`koboldfs catalog ${args.join(" ")} ended with ${code}:\n${stdout}\n${stderr}`);
  return JSON.parse(stdout) as Report;
}

export function tryCatalogCommand(cluster: Cluster, args: readonly string[], more: Record<string, string> = {}) {
  const env = { ...more, ...(cluster.secret !== undefined && { KOBOLDFS_CLUSTER_SECRET: cluster.secret }) };
  return runProgram(COMMAND, ["catalog", ...args, "--json"], { cwd: cluster.folder, env });
}

/** The command kills itself with SIGKILL at the point. Throws when it does not come so far. */
export async function killCatalogCommandAt(
  point: CrashPoint,
  cluster: Cluster,
  args: readonly string[],
): Promise<void> {
  const order = join(cluster.folder, "command-crash-point");
  writeFileSync(order, `${point}:1:SIGKILL`);
  const env = { [CRASH_POINT_VARIABLE]: `${process.pid}:${order}` };
  const { code, stdout, stderr } = await tryCatalogCommand(cluster, args, env);
  rmSync(order);
  const said = `koboldfs catalog ${args.join(" ")} ended with ${code}:\n${stdout}\n${stderr}`;
  if (code !== null || !stderr.includes(`crash point ${point}\n`)) throw new Error(`${point} was not reached: ${said}`);
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
