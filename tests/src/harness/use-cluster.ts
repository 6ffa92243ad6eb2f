import { afterAll, afterEach, beforeAll } from "vitest";
import { type Cluster, type ClusterOptions, startCluster } from "./cluster.js";

/** The last lines of each node are enough to see what led to a failure; a terminal is no place for thousands. */
const MAX_SHOWN_CHARACTERS = 60_000;

/** Runs `body` with a cluster of its own. Shows the nodes' logs when it fails, and removes everything in any case. */
export async function withCluster(options: ClusterOptions, body: (cluster: Cluster) => Promise<void>): Promise<void> {
  const cluster = await startCluster(options);
  try {
    await body(cluster);
  } catch (error) {
    showLogs(cluster);
    throw error;
  } finally {
    await cluster.close();
  }
}

/** One cluster for all tests of the surrounding `describe`. Call the result inside the tests. */
export function useCluster(options: ClusterOptions): () => Cluster {
  let cluster: Cluster | undefined;
  beforeAll(async () => {
    cluster = await startCluster(options);
  });
  afterEach(({ task }) => {
    if (task.result?.state === "fail" && cluster !== undefined) showLogs(cluster);
  });
  afterAll(async () => {
    await cluster?.close();
  });
  return () => {
    if (cluster === undefined) throw new Error("the cluster did not start");
    return cluster;
  };
}

function showLogs(cluster: Cluster): void {
  console.error(cluster.logs().slice(-MAX_SHOWN_CHARACTERS));
}
