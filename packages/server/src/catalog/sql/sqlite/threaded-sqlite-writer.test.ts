import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseNamespaceName } from "@koboldfs/protocol";
import { expect, it, onTestFinished } from "vitest";
import { silentLogger } from "../../../runtime/logger.js";
import { ThreadedSqliteWriter } from "./threaded-sqlite-writer.js";

it("says catalog_unavailable to whatever comes after its thread died: another node can take it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "koboldfs-writer-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const writer = new ThreadedSqliteWriter({ path: join(folder, "catalog.sqlite"), allowUnsafe: false }, silentLogger);
  await writer.ready;
  await writer.terminate();
  const change = { kind: "set-namespace", namespace: parseNamespaceName("demo"), policy: { minCopies: 1 } } as const;
  await expect(writer.commitGroup([change], () => {})).rejects.toMatchObject({ code: "catalog_unavailable" });
});
