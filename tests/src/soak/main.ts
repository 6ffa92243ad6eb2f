import { randomInt } from "node:crypto";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createTestDatabase, startPostgres } from "@koboldfs/tools";
import { type Cluster, type ClusterOptions, startCluster } from "../harness/cluster.js";
import type { TestCatalog } from "../harness/test-catalog.js";
import { NETWORK_FAULTS, PROCESS_FAULTS } from "./fault-kinds.js";
import { type RoundCounts, runRound } from "./soak-round.js";

const USAGE = `usage: npm run soak -- [--minutes N] [--seed N] [--engine postgres|sqlite]

Real nodes, clients on all of them, and faults of all kinds that chance chooses from the seed. Every round of half a
minute ends with an accounting; the first thing that was lost ends the run, with the seed that chose the same again.`;

const ROUND_SECONDS = 25;
const SHOWN_LOG_CHARACTERS = 60_000;

type Engine = "postgres" | "sqlite";

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { minutes: { type: "string" }, seed: { type: "string" }, engine: { type: "string" } },
  });
  const minutes = Number(values.minutes ?? 2);
  const seed = Number(values.seed ?? randomInt(2 ** 20));
  const engine = values.engine ?? "postgres";
  if (!(minutes > 0) || !Number.isSafeInteger(seed) || (engine !== "postgres" && engine !== "sqlite"))
    throw new Error(USAGE);
  console.log(
    `soak: ${minutes} minutes on ${engine}, seed ${seed} (again: npm run soak -- --minutes ${minutes} --seed ${seed})`,
  );
  const server = engine === "postgres" ? await startPostgres() : undefined;
  try {
    const rounds = await soak({ engine, serverUrl: server?.url, seed, minutes });
    report(rounds);
  } finally {
    await server?.stop();
  }
}

interface SoakOptions {
  readonly engine: Engine;
  readonly serverUrl: string | undefined;
  readonly seed: number;
  readonly minutes: number;
}

async function soak({ engine, serverUrl, seed, minutes }: SoakOptions): Promise<RoundCounts[]> {
  const cluster = await startCluster(clusterOptions(engine, serverUrl));
  const rounds: RoundCounts[] = [];
  try {
    for (const endMs = performance.now() + minutes * 60_000; performance.now() < endMs; ) {
      const options = { cluster, seed: seed + rounds.length, seconds: ROUND_SECONDS };
      rounds.push(await runRound({ ...options, hasCatalogProxies: engine === "postgres" }));
      console.log(`round ${rounds.length}: ${describeRound(rounds.at(-1) as RoundCounts)}`);
    }
    return rounds;
  } catch (error) {
    showLogs(cluster);
    throw new Error(
      `round ${rounds.length + 1} lost something; again: npm run soak -- --seed ${seed + rounds.length}`,
      {
        cause: error,
      },
    );
  } finally {
    await cluster.close();
  }
}

function clusterOptions(engine: Engine, serverUrl: string | undefined): ClusterOptions {
  const common = { nodes: 3, engine, canCrash: true, proxyPeers: true, proxyCatalogOfEach: engine === "postgres" };
  const catalog = (folder: string) => createCatalog(serverUrl, folder);
  return { ...common, catalog };
}

async function createCatalog(serverUrl: string | undefined, folder: string): Promise<TestCatalog> {
  if (serverUrl === undefined) return { dsn: `sqlite:${join(folder, "catalog.sqlite")}`, drop: async () => {} };
  const database = await createTestDatabase(serverUrl);
  return { dsn: database.url, drop: () => database.drop() };
}

function showLogs(cluster: Cluster): void {
  console.error(cluster.logs().slice(-SHOWN_LOG_CHARACTERS));
}

function describeRound({ faults, operations, unanswered, acknowledgedFiles }: RoundCounts): string {
  const count = [...faults.values()].reduce((sum, times) => sum + times, 0);
  return `${count} faults, ${operations} operations, ${unanswered} unanswered, ${acknowledgedFiles} files acknowledged, 0 lost`;
}

function report(rounds: readonly RoundCounts[]): void {
  console.log("\nfaults injected:");
  for (const { name, does } of [...PROCESS_FAULTS, ...NETWORK_FAULTS]) {
    const times = rounds.reduce((sum, { faults }) => sum + (faults.get(name) ?? 0), 0);
    console.log(`${String(times).padStart(6)}  ${does}`);
  }
  const sum = (of: (round: RoundCounts) => number) => rounds.reduce((total, round) => total + of(round), 0);
  console.log(
    `${sum(({ operations }) => operations)} operations, ${sum(({ acknowledgedFiles }) => acknowledgedFiles)} files acknowledged, lost: 0`,
  );
}

await main();
// Connections that a disturbed wire left half open would keep the process for minutes, and nobody waits for them.
process.exit();
