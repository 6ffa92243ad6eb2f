import { expect, it } from "vitest";
import { makeDurableFolder } from "./durable-folder.js";
import { SimulatedFileSystem } from "./simulated-file-system.js";

it("makes a folder with all that is missing above it, and a power cut takes none of it back", async () => {
  const files = new SimulatedFileSystem();
  await makeDurableFolder(files, "/a/b/c");
  await makeDurableFolder(files, "/a/b/c");
  const restarted = files.afterPowerCut("names-and-bytes");
  expect(await restarted.findStat("/a/b/c")).toMatchObject({ isFolder: true });
});
