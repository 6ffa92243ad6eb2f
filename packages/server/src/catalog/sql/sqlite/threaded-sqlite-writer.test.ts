import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseNamespaceName } from "@koboldfs/protocol";
import Database from "libsql";
import { expect, it, onTestFinished, vi } from "vitest";
import { systemClock } from "../../../runtime/clock.js";
import { silentLogger } from "../../../runtime/logger.js";
import { ThreadedSqliteWriter } from "./threaded-sqlite-writer.js";

/** Longer than it takes a thread to come to the file's lock. */
const LOCKED_MS = 700;

async function makePath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "koboldfs-writer-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return join(folder, "catalog.sqlite");
}

it("waits for a node that makes the same file at the same moment", async () => {
  const path = await makePath();
  const other = new Database(path);
  onTestFinished(() => void other.close());
  // Turning WAL on, SQLite does not wait for this lock; the writer sleeps and tries again.
  other.exec("begin immediate");
  const writer = new ThreadedSqliteWriter({ path, allowUnsafe: false }, silentLogger);
  const unlocked = systemClock.sleep(LOCKED_MS).then(() => other.exec("commit"));
  const [clusterId] = await Promise.all([writer.ready, unlocked]);
  expect(clusterId).toMatch(/^[0-9a-f]{32}$/);
  await writer.close();
});

it("says catalog_unavailable to whatever comes after its thread died: another node can take it", async () => {
  const writer = new ThreadedSqliteWriter({ path: await makePath(), allowUnsafe: false }, silentLogger);
  await writer.ready;
  await writer.terminate();
  const change = { kind: "set-namespace", namespace: parseNamespaceName("demo"), policy: { minCopies: 1 } } as const;
  await expect(writer.commitGroup([change], () => {})).rejects.toMatchObject({ code: "catalog_unavailable" });
});

it("ends its thread when the file cannot be opened", async () => {
  const path = join(await makePath(), "below-nothing");
  const writer = new ThreadedSqliteWriter({ path, allowUnsafe: false }, silentLogger);
  await expect(writer.ready).rejects.toMatchObject({ code: "catalog_unavailable" });
  // It waits for a thread that is there.
  await vi.waitFor(() => writer.close());
});
