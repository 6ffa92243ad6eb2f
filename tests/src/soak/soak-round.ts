import { setTimeout as sleep } from "node:timers/promises";
import { expectAccounted, expectNoTemporaryFiles } from "../accounting/check-writes.js";
import { WriteLedger } from "../accounting/write-ledger.js";
import type { Cluster } from "../harness/cluster.js";
import { waitUntilWhole } from "../harness/node-status.js";
import { SeededRandom } from "../harness/random.js";
import { checkJournal } from "../history/check-journal.js";
import { readJournal } from "../history/read-journal.js";
import { RecordedFiles } from "../history/recorded-files.js";
import { type FaultKind, NETWORK_FAULTS, PROCESS_FAULTS } from "./fault-kinds.js";

export interface RoundOptions {
  readonly cluster: Cluster;
  readonly seed: number;
  readonly seconds: number;
  readonly hasCatalogProxies: boolean;
}

/** What a round did. A round that lost something throws instead. */
export interface RoundCounts {
  readonly faults: ReadonlyMap<string, number>;
  readonly operations: number;
  readonly unanswered: number;
  readonly acknowledgedFiles: number;
}

const CLIENTS = 8;
const KEYS = Array.from({ length: 10 }, (_, index) => `key ${index}`);
/** Clients rest so long between two requests: histories stay short enough to be searched in seconds. */
const LONGEST_REST_MS = 40;
/** Faults rest so long: sometimes not at all, so that they meet. */
const LONGEST_LULL_MS = 3_000;
/** Longer than the two seconds after which a peer is given up, and the five after which a lock is freed. */
const LONGEST_FAULT_MS = 7_000;

/** Clients on all nodes and faults on two lanes for a while; then everything is healed and accounted for. */
export async function runRound(options: RoundOptions): Promise<RoundCounts> {
  const { cluster, seed } = options;
  const files = new RecordedFiles(`soak ${seed}/`, KEYS);
  const ledger = new WriteLedger();
  const faults = new Map<string, number>();
  const until = performance.now() + options.seconds * 1000;
  const clients = Array.from({ length: CLIENTS }, (_, id) => runClient({ ...options, id, until, files, ledger }));
  const lanes = [PROCESS_FAULTS, NETWORK_FAULTS].map((kinds, lane) =>
    runFaults({ ...options, kinds, lane, until, faults }),
  );
  await Promise.all([...lanes, ...clients]);
  await account(cluster, files, ledger);
  const { acknowledged, unanswered } = files.counts;
  return {
    faults,
    operations: acknowledged + unanswered + files.counts["as-of"] + ledger.attempts.length,
    unanswered: unanswered + ledger.attempts.length - ledger.acknowledged.length,
    acknowledgedFiles: ledger.acknowledged.length,
  };
}

interface ClientOptions extends RoundOptions {
  readonly id: number;
  readonly until: number;
  readonly files: RecordedFiles;
  readonly ledger: WriteLedger;
}

async function runClient({ cluster, seed, id, until, files, ledger }: ClientOptions): Promise<void> {
  const random = new SeededRandom(seed * 100 + id);
  for (let request = 0; performance.now() < until; request += 1) {
    const server = cluster.urls[random.between(0, cluster.urls.length)] as string;
    const key = KEYS[random.between(0, KEYS.length)] as string;
    const body = `client ${id}, request ${request} of ${seed}; `.repeat(random.between(1, 400));
    const chance = random.next();
    if (chance < 0.3) await files.put(server, key, body);
    else if (chance < 0.4) await files.delete(server, key);
    else if (chance < 0.7) await files.get(server, key);
    else if (chance < 0.75) await files.list(server);
    else await ledger.put(server, `soak ${seed} own/${id}-${request}`, body);
    await sleep(random.between(0, LONGEST_REST_MS));
  }
}

interface FaultLaneOptions extends RoundOptions {
  readonly kinds: readonly FaultKind[];
  readonly lane: number;
  readonly until: number;
  readonly faults: Map<string, number>;
}

async function runFaults({ kinds, lane, until, faults, ...ground }: FaultLaneOptions): Promise<void> {
  const random = new SeededRandom(ground.seed * 100 + 90 + lane);
  while (performance.now() < until) {
    const kind = kinds[random.between(0, kinds.length)] as FaultKind;
    if (await kind.inject({ ...ground, random, longestMs: LONGEST_FAULT_MS }))
      faults.set(kind.name, (faults.get(kind.name) ?? 0) + 1);
    await sleep(random.between(0, LONGEST_LULL_MS));
  }
}

/** Everything is well again: what was acknowledged is there, on every disk, and every answer had an explanation. */
async function account(cluster: Cluster, files: RecordedFiles, ledger: WriteLedger): Promise<void> {
  await cluster.waitUntilAllSeeAll();
  for (const node of cluster.nodes) await waitUntilWhole(node);
  // The last word of every node on every key belongs to the history.
  for (const url of cluster.urls) for (const key of files.keys) await files.get(url, key);
  const faults = files.findFaults();
  if (faults.length > 0) throw new Error(`the history is not linearizable:\n${faults.join("\n")}`);
  await expectAccounted(cluster, ledger.attempts);
  expectNoTemporaryFiles(cluster.nodes);
  const broken = checkJournal(await readJournal(cluster.dsn));
  if (broken.length > 0) throw new Error(`the journal is broken:\n${broken.join("\n")}`);
}
