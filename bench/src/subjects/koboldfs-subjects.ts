import { join } from "node:path";
import { FIRST_SECONDS, startCluster } from "./koboldfs.js";
import type { Subject } from "./subject.js";
import type { Workload } from "../workload.js";

/** The smallest cluster: one node, one copy, fsynced. */
export const oneNodeSubject: Subject = {
  name: "koboldfs-one",
  title: "KoboldFS, one node (1 copy, fsync), SQLite",
  firstSeconds: FIRST_SECONDS,
  yardstickFor: () => "nginx",
  start: (context) => startCluster(context, { nodes: 1, dsn: sqliteIn(context.folder) }),
};

/** What most people run. */
export const twoNodesSubject: Subject = {
  name: "koboldfs-two",
  title: "KoboldFS, two nodes (2 copies, fsync), SQLite",
  firstSeconds: FIRST_SECONDS,
  yardstickFor: twoNodeYardstick,
  start: (context) => startCluster(context, { nodes: 2, dsn: sqliteIn(context.folder) }),
};

export function sqliteIn(folder: string): string {
  return `sqlite:${join(folder, "catalog.sqlite")}`;
}

/** What a cluster of two copies is measured by: puts by what makes two copies as well, all else by one nginx. */
export function twoNodeYardstick({ operation }: Workload): string {
  return operation === "put" ? "nginx-mirrored" : "nginx";
}
