import { randomInt } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createTestDatabase, startPostgres } from "@koboldfs/tools";
import { type Cluster, type ClusterOptions, startCluster } from "../harness/cluster.js";
import type { TestCatalog } from "../harness/test-catalog.js";
import {
  formatFaultTables,
  formatSoakCounts,
  replaceBlock,
  type SoakCounts,
} from "../reliability/reliability-document.js";
import { NETWORK_FAULTS, PROCESS_FAULTS } from "./fault-kinds.js";
import { type RoundCounts, runRound } from "./soak-round.js";

const USAGE = `usage: npm run soak -- [--minutes N] [--seed N] [--engine postgres|sqlite]
       npm run reliability -- [--table | the same]

Real nodes, clients on all of them, and faults of all kinds that chance chooses from the seed. Every round of half a
minute ends with an accounting; the first thing that was lost ends the run, with the seed that chose the same again.`;

const DOCUMENT = fileURLToPath(new URL("../../../docs/reliability.md", import.meta.url));
const ROUND_SECONDS = 25;
const SHOWN_LOG_CHARACTERS = 60_000;

type Engine = "postgres" | "sqlite";

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string" },
      seed: { type: "string" },
      engine: { type: "string" },
      report: { type: "boolean" },
      table: { type: "boolean" },
    },
  });
  if (values.report) writeBlock("faults", formatFaultTables());
  if (values.table) return;
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
    const counts = countAll(rounds, { engine, minutes, seed });
    print(counts);
    if (values.report) writeBlock("soak", formatSoakCounts(counts));
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

function countAll(rounds: readonly RoundCounts[], run: Pick<SoakCounts, "engine" | "minutes" | "seed">): SoakCounts {
  const sum = (of: (round: RoundCounts) => number) => rounds.reduce((total, round) => total + of(round), 0);
  const kinds = [...PROCESS_FAULTS, ...NETWORK_FAULTS];
  return {
    ...run,
    date: new Date().toISOString().slice(0, 10),
    faults: kinds.map(({ name, does }) => ({ does, times: sum(({ faults }) => faults.get(name) ?? 0) })),
    operations: sum(({ operations }) => operations),
    unanswered: sum(({ unanswered }) => unanswered),
    acknowledgedFiles: sum(({ acknowledgedFiles }) => acknowledgedFiles),
  };
}

function print({ faults, operations, acknowledgedFiles }: SoakCounts): void {
  console.log("\nfaults injected:");
  for (const { does, times } of faults) console.log(`${String(times).padStart(6)}  ${does}`);
  console.log(`${operations} operations, ${acknowledgedFiles} files acknowledged, lost: 0`);
}

function writeBlock(name: string, body: string): void {
  writeFileSync(DOCUMENT, replaceBlock(readFileSync(DOCUMENT, "utf8"), name, body));
}

await main();
// Connections that a disturbed wire left half open would keep the process for minutes, and nobody waits for them.
process.exit();
