import { startPostgres } from "@koboldfs/tools";
import { startCluster } from "./koboldfs.js";
import type { RunningSubject, Subject, SubjectContext } from "./subject.js";

/** Two nodes on a PostgreSQL of their own, whose processes count as the cluster's. */
export const twoNodesOnPostgresSubject: Subject = {
  name: "koboldfs-two-postgres",
  title: "KoboldFS, two nodes (2 copies, fsync), PostgreSQL",
  optional: true,
  yardstickFor: ({ operation }) => (operation === "put" ? "nginx-mirrored" : "nginx"),
  async start(context: SubjectContext): Promise<RunningSubject> {
    const database = await startPostgres(context.folder);
    try {
      const cluster = await startCluster(context, { nodes: 2, dsn: database.url, otherProcesses: [database.pid] });
      const stop = async () => {
        await cluster.stop();
        await database.stop();
      };
      return { ...cluster, stop };
    } catch (error) {
      await database.stop();
      throw error;
    }
  },
};
