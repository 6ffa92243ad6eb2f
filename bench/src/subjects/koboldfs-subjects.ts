import { join } from "node:path";
import { startCluster } from "./koboldfs.js";
import type { Subject } from "./subject.js";

/** The smallest cluster: one node, one copy, fsynced. */
export const oneNodeSubject: Subject = {
  name: "koboldfs-one",
  title: "KoboldFS, one node (1 copy, fsync), SQLite",
  yardstickFor: () => "nginx",
  start: (context) => startCluster(context, { nodes: 1, dsn: sqliteIn(context.folder) }),
};

/** What most people run. */
export const twoNodesSubject: Subject = {
  name: "koboldfs-two",
  title: "KoboldFS, two nodes (2 copies, fsync), SQLite",
  yardstickFor: ({ operation }) => (operation === "put" ? "nginx-mirrored" : "nginx"),
  start: (context) => startCluster(context, { nodes: 2, dsn: sqliteIn(context.folder) }),
};

function sqliteIn(folder: string): string {
  return `sqlite:${join(folder, "catalog.sqlite")}`;
}
