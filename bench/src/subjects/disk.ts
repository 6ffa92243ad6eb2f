import { DurableCreates } from "../load/durable-creates.js";
import type { Subject } from "./subject.js";

/** No server at all: the rate at which the disk takes new files that are to stay. Half of it is the limit of two copies. */
export const diskSubject: Subject = {
  name: "disk",
  title: "the disk: 16 threads that create, fdatasync, rename and fsync the folder",
  yardstickFor: ({ operation, concurrency }) => (operation === "put" && concurrency === 16 ? "disk" : undefined),
  start: async ({ folder }) => ({
    folder,
    processes: [],
    folderUrls: [],
    copyUrls: [],
    generator: new DurableCreates(folder),
    stop: async () => undefined,
  }),
};
