import { startPostgres } from "@koboldfs/tools";
import { WrkLoadGenerator } from "../load/wrk.js";
import { FIRST_SECONDS, startCluster } from "./koboldfs.js";
import { twoNodeYardstick } from "./koboldfs-subjects.js";
import type { RunningSubject, Subject, SubjectContext } from "./subject.js";

/** Two nodes on a PostgreSQL of their own, whose processes count as the cluster's. */
export const twoNodesOnPostgresSubject: Subject = {
  name: "koboldfs-two-postgres",
  title: "KoboldFS, two nodes (2 copies, fsync), PostgreSQL",
  optional: true,
  firstSeconds: FIRST_SECONDS,
  yardstickFor: twoNodeYardstick,
  start: startOnPostgres,
};

/** The same, read with `consistency=mirror`: no question to the database for a get. */
export const mirrorReadsOnPostgresSubject: Subject = {
  name: "koboldfs-two-postgres-mirror",
  title: "KoboldFS, two nodes on PostgreSQL, read from their mirrors",
  optional: true,
  firstSeconds: FIRST_SECONDS,
  yardstickFor: ({ operation }) => (operation === "get" ? "nginx" : undefined),
  start: async (context) => {
    const cluster = await startOnPostgres(context);
    return { ...cluster, generator: new WrkLoadGenerator("?consistency=mirror") };
  },
};

async function startOnPostgres(context: SubjectContext): Promise<RunningSubject> {
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
}
