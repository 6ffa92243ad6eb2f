import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../runtime/clock.js";
import { silentLogger } from "../../runtime/logger.js";
import { describeMirrorConformance } from "../mirror-conformance.js";
import { SqliteMirror } from "./sqlite-mirror.js";

async function makeFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), "koboldfs-mirror-"));
}

function open(folder: string, clusterId: string): Promise<SqliteMirror> {
  const path = join(folder, "mirror.sqlite");
  return SqliteMirror.open({ path, clusterId, clock: systemClock, logger: silentLogger });
}

describeMirrorConformance("SQLite", async () => {
  const folder = await makeFolder();
  return {
    open: (clusterId) => open(folder, clusterId),
    isDurable: true,
    remove: () => rm(folder, { recursive: true }),
  };
});

it("refuses a file that is no database", async () => {
  const folder = await makeFolder();
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "mirror.sqlite"), "these are no pages of a database".repeat(100));
  await expect(open(folder, "0".repeat(32))).rejects.toMatchObject({ code: "mirror_refused" });
});
