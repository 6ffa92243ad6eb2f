import { join } from "node:path";
import { SyncLoadGenerator } from "../load/sync.js";
import { startCluster } from "./koboldfs.js";
import type { Subject } from "./subject.js";

/**
 * Two nodes under the load of the command instead of the generator's: what is measured is how near `koboldfs sync` comes
 * to what the generator reaches with the same cluster.
 */
export const syncSubject: Subject = {
  name: "koboldfs-two-sync",
  title: "KoboldFS, two nodes as above, files put and fetched by `koboldfs sync`",
  optional: true,
  yardstickFor: ({ operation, concurrency, sizeBytes }) =>
    (operation === "put" || operation === "get") &&
    concurrency === 16 &&
    (sizeBytes === 4 * 1024 || sizeBytes === 1024 * 1024)
      ? "koboldfs-two"
      : undefined,
  async start(context) {
    const dsn = `sqlite:${join(context.folder, "catalog.sqlite")}`;
    const cluster = await startCluster(context, { nodes: 2, dsn });
    return { ...cluster, generator: new SyncLoadGenerator(context) };
  },
};
