import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Client } from "@koboldfs/client";
import { startPostgres } from "@koboldfs/tools";
import { formatTransactions, type TransactionRound } from "./report/transactions.js";
import { NAMESPACE, startCluster } from "./subjects/koboldfs.js";

/**
 * What a transaction costs: 1,000 files of 4 KiB put with concurrency 16 outside of one, and the same staged and committed,
 * in turn, on two nodes with two fsynced copies of each; and how long the steps at its end take by themselves. `--only
 * sqlite|postgres` leaves the other engine out.
 */
const FILES = 1000;
const SIZE_BYTES = 4096;
const CONCURRENCY = 16;
const ROUNDS = 5;
const WARM_UP_ROUNDS = 1;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { only: { type: "string" } } });
  const folder = await mkdtemp(join(tmpdir(), "koboldfs-transactions-"));
  // The database's processes are another user's when this one is root.
  await chmod(folder, 0o755);
  const database = await startPostgres(folder);
  try {
    const engines = { sqlite: `sqlite:${join(folder, "catalog.sqlite")}`, postgres: database.url };
    for (const [engine, dsn] of Object.entries(engines)) {
      if (values.only !== undefined && values.only !== engine) continue;
      process.stdout.write(formatTransactions(engine, await measure(join(folder, engine), dsn)));
    }
  } finally {
    await database.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(folder: string, dsn: string): Promise<TransactionRound[]> {
  const cluster = await startCluster({ folder }, { nodes: 2, dsn });
  const servers = cluster.folderUrls.map((url) => new URL(url).origin);
  const client = new Client(NAMESPACE, { servers, maxInFlight: CONCURRENCY });
  try {
    const rounds: TransactionRound[] = [];
    for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) rounds.push(await runRound(client, round));
    return rounds.slice(WARM_UP_ROUNDS);
  } finally {
    await client.close();
    await cluster.stop();
  }
}

async function runRound(client: Client, round: number): Promise<TransactionRound> {
  const outsideMs = await timed(() => putAll(client, `outside/${round}/`));
  const one = await client.begin();
  const stagedMs = await timed(() => putAll(one.files, `one/${round}/`));
  const commitMs = await timed(() => one.commit());
  const two = await client.begin();
  await putAll(two.files, `two/${round}/`);
  const prepareMs = await timed(() => two.prepare());
  const preparedCommitMs = await timed(() => two.commit());
  return { outsideMs, stagedMs, commitMs, prepareMs, preparedCommitMs, load: loadavg()[0] ?? 0 };
}

async function putAll(files: Pick<Client, "put">, prefix: string): Promise<void> {
  const keys = Array.from({ length: FILES }, (_, index) => prefix + index)[Symbol.iterator]();
  const worker = async () => {
    for (const key of keys) await files.put(key, randomBytes(SIZE_BYTES));
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

await main();
