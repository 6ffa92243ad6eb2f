import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Catalog } from "../catalog/catalog.js";
import { openSqlCatalog } from "../catalog/sql/open-sql-catalog.js";
import { MemoryMirror } from "../mirror/memory/memory-mirror.js";
import type { Change } from "../model/change.js";
import type { JournalGroup } from "../model/journal-group.js";
import { ModelCatalog, TEST_CLUSTER } from "../model/test-model-catalog.js";
import { systemClock } from "../runtime/clock.js";
import { silentLogger } from "../runtime/logger.js";
import type { HistorySource } from "./history-source.js";

/** An empty catalog in a file of its own, closed and removed with the test. */
export async function openEmptyCatalog(onPath = (_path: string) => {}): Promise<Catalog> {
  const folder = await mkdtemp(join(tmpdir(), "koboldfs-recovery-"));
  const path = join(folder, "catalog.sqlite");
  onPath(path);
  const dsn = `sqlite:${path}`;
  const catalog = await openSqlCatalog({ dsn, clusterId: TEST_CLUSTER, logger: silentLogger, clock: systemClock });
  onTestFinished(async () => {
    await catalog.close();
    await rm(folder, { recursive: true });
  });
  return catalog;
}

/** The groups of a cluster in which each change was a commit of its own. */
export function groupsOf(changes: readonly Change[]): JournalGroup[] {
  const model = new ModelCatalog(TEST_CLUSTER);
  for (const change of changes) model.commit([change]);
  return model.groups.map(({ first, last, hash, bytes }) => ({ first, last, hash, bytes }));
}

export async function sourceOf(name: string, groups: readonly JournalGroup[], epoch = 0): Promise<HistorySource> {
  const mirror = new MemoryMirror(TEST_CLUSTER);
  await mirror.append(groups);
  await mirror.setEpoch(epoch);
  return asSource(name, mirror);
}

/** What a damaged disk gives instead of a group's bytes; the hash that was recorded stays. */
export async function damagedSourceOf(
  name: string,
  groups: readonly JournalGroup[],
  damagedAt: number,
): Promise<HistorySource> {
  const { mirror, listBranches } = await sourceOf(name, groups);
  const listGroups: typeof mirror.listGroups = async (after, limit) => {
    const page = await mirror.listGroups(after, limit);
    return page.map((group) => (group.last === damagedAt ? { ...group, bytes: Buffer.from("rotten") } : group));
  };
  return { name, mirror: { head: mirror.head, findGroupHash: mirror.findGroupHash, listGroups }, listBranches };
}

export function asSource(name: string, mirror: MemoryMirror): HistorySource {
  return {
    name,
    mirror: {
      head: async () => mirror.head(),
      listGroups: (after, limit) => mirror.listGroups(after, limit),
      findGroupHash: (number) => mirror.findGroupHash(number),
    },
    listBranches: () => mirror.listBranches(),
  };
}
