import { describe, expect, it } from "vitest";
import type { Cluster } from "./harness/cluster.js";
import { mustGet, sha256 } from "./harness/raw-files.js";
import { SeededRandom, seededRandom } from "./harness/random.js";
import type { CatalogEngine } from "./harness/test-catalog.js";
import { withCluster } from "./harness/use-cluster.js";
import { checkHistory, type Observation } from "./history/check-history.js";
import { ObservedFiles } from "./history/observed-files.js";
import { checkJournal, entriesOf } from "./history/check-journal.js";
import { readJournal } from "./history/read-journal.js";

const CLIENTS = 64;
const KEYS = Array.from({ length: 10 }, (_, index) => `key ${index}`);
const REQUESTS_PER_CLIENT = 30;

describe.each(["sqlite", "postgres"] as const)(
  "64 clients that overwrite the same 10 keys through three nodes on %s",
  (engine: CatalogEngine) => {
    it("read only what was acknowledged or is under way, never go back, and leave a gap-free journal", async () => {
      await withCluster({ nodes: 3, engine }, async (cluster) => {
        const files = new ObservedFiles();
        await overwriteFromAllSides(cluster, files);
        expect(files.refusals).toEqual([]);
        expect(files.history).toHaveLength(CLIENTS * REQUESTS_PER_CLIENT);
        expect(checkHistory(files.history)).toEqual([]);
        const journal = await readJournal(cluster.dsn);
        expect(checkJournal(journal)).toEqual([]);
        expect(versionsOf(files.history)).toEqual(putsOf(journal.groups.flatMap(entriesOf)));
        await expectLastVersionsEverywhere(cluster, files.history);
      });
    });
  },
);

async function overwriteFromAllSides(cluster: Cluster, files: ObservedFiles): Promise<void> {
  const { seed } = seededRandom("overwrites");
  const client = async (id: number): Promise<void> => {
    const random = new SeededRandom(seed + id);
    for (let request = 0; request < REQUESTS_PER_CLIENT; request += 1) {
      const server = cluster.urls[random.between(0, 3)] as string;
      const key = KEYS[random.between(0, KEYS.length)] as string;
      const text = `client ${id}, request ${request}, ${key}; `;
      if (random.next() < 0.5) await files.put(server, key, text.repeat(random.between(1, 2_000)));
      else await files.get(server, key);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, id) => client(id)));
}

/** Key and digest of each acknowledged version, in order. */
function versionsOf(history: readonly Observation[]): [number, string, string][] {
  return history
    .flatMap((seen): [number, string, string][] =>
      seen.kind === "put" && seen.version !== undefined ? [[seen.version, seen.key, seen.digest]] : [],
    )
    .sort(([left], [right]) => left - right);
}

function putsOf(entries: readonly Record<string, unknown>[]): unknown[][] {
  return entries
    .filter((entry) => entry["kind"] === "put")
    .map((entry) => [entry["number"], entry["key"], entry["digest"]]);
}

async function expectLastVersionsEverywhere(cluster: Cluster, history: readonly Observation[]): Promise<void> {
  const last = new Map(versionsOf(history).map(([_version, key, digest]) => [key, digest]));
  for (const url of cluster.urls) {
    for (const [key, digest] of last) expect([key, sha256(await mustGet(url, key))]).toEqual([key, digest]);
  }
}
