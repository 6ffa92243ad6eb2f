import { Client, KoboldError } from "@koboldfs/client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Cluster, NAMESPACE, startCluster } from "./harness/cluster.js";
import { concurrently } from "./harness/concurrently.js";
import { mustGet, sha256 } from "./harness/raw-files.js";
import { TcpProxy } from "./harness/tcp-proxy.js";
import { checkJournal, entriesOf } from "./history/check-journal.js";
import { readJournal } from "./history/read-journal.js";

const OPERATIONS = 900;
const CONCURRENCY = 16;
/** Few enough that every key is overwritten again and again. */
const KEYS = 40;
/** The wires change their illness whenever so many operations are done: with the others still under way. */
const OPERATIONS_A_ROUND = 150;
const SLOW_MS = 40;

let cluster: Cluster;
const wires: TcpProxy[] = [];

beforeAll(async () => {
  cluster = await startCluster({ nodes: 3, engine: "sqlite" });
  for (const url of cluster.urls) {
    const { hostname: host, port } = new URL(url);
    wires.push(await TcpProxy.start({ host, port: Number(port) }));
  }
});
afterAll(async () => {
  await Promise.all(wires.map((wire) => wire.close()));
  await cluster?.close();
});

/**
 * One wire is black, one refuses, one is slow. From round to round the black one becomes the slow one and delivers late
 * what it held back, the slow one refuses and loses its answers, the refusing one turns black.
 */
function sicken(round: number): void {
  const at = (illness: number) => wires[(round + illness) % wires.length];
  at(0)?.heal();
  at(0)?.delay(SLOW_MS);
  at(1)?.cut();
  at(2)?.heal();
  at(2)?.blackHole();
}

const keyOf = (operation: number): string => `key-${operation % KEYS}`;
const contentOf = (operation: number): Buffer => Buffer.alloc(4096, `operation ${operation}.`);

interface Put {
  readonly operation: number;
  /** Undefined when the client was told of a failure. */
  readonly version: number | undefined;
}

/** What the operations came to. */
class Records {
  readonly puts: Put[] = [];
  readonly wrongBytes: string[] = [];
  readonly failures: string[] = [];
  readonly #latenciesMs: number[] = [];
  #done = 0;

  async run(operation: number, client: Client): Promise<void> {
    const startedMs = performance.now();
    try {
      if (operation % 3 === 0 && operation >= KEYS) await this.#get(operation, client);
      else await this.#put(operation, client);
    } catch (error) {
      if (!(error instanceof KoboldError)) throw error;
      this.failures.push(`${error.code}: ${error.message}`);
    }
    this.#latenciesMs.push(performance.now() - startedMs);
    this.#done += 1;
    if (this.#done % OPERATIONS_A_ROUND === 0) sicken(this.#done / OPERATIONS_A_ROUND);
  }

  async #get(operation: number, client: Client): Promise<void> {
    const bytes = Buffer.from((await client.getBytes(keyOf(operation))) ?? []);
    const from = Number(/^operation (\d+)\./.exec(bytes.toString("latin1", 0, 40))?.[1]);
    const isRight = keyOf(from) === keyOf(operation) && bytes.equals(contentOf(from));
    if (!isRight) this.wrongBytes.push(keyOf(operation));
  }

  async #put(operation: number, client: Client): Promise<void> {
    let version: number | undefined;
    try {
      ({ version } = await client.put(keyOf(operation), contentOf(operation)));
    } finally {
      this.puts.push({ operation, version });
    }
  }

  summary(): Record<string, number> {
    const sorted = this.#latenciesMs.toSorted((a, b) => a - b);
    const at = (share: number) => Math.round(sorted[Math.ceil(share * sorted.length) - 1] ?? 0);
    const [p50Ms, p99Ms, maxMs] = [at(0.5), at(0.99), at(1)];
    return { operations: sorted.length, errors: this.failures.length, p50Ms, p99Ms, maxMs };
  }
}

it("a client whose servers are one black hole, one that refuses and one slow one errs in nothing and puts nothing twice", async () => {
  const servers = wires.map(({ port }) => `http://127.0.0.1:${port}`);
  const client = new Client(NAMESPACE, { servers, maxInFlight: CONCURRENCY, responseTimeoutMs: 2_000 });
  const records = new Records();
  for (let operation = 0; operation < KEYS; operation += 1) await records.run(operation, client);
  sicken(0);
  const operations = Array.from({ length: OPERATIONS }, (_, index) => KEYS + index);
  await concurrently(operations, CONCURRENCY, (operation) => records.run(operation, client));
  for (const wire of wires) wire.heal();
  await client.close();
  console.log(`a client with three sick servers: ${JSON.stringify(records.summary())}`);
  expect(records.wrongBytes).toEqual([]);
  expect(records.failures).toEqual([]);

  const journal = await readJournal(cluster.dsn);
  expect(checkJournal(journal)).toEqual([]);
  const written = journal.groups.flatMap(entriesOf).filter(({ kind }) => kind === "put");
  // Every put had a content of its own, so one that happened twice would show as two lines here.
  const kept = written.map(({ digest, number }) => `${String(digest)} ${String(number)}`);
  const told = records.puts.map(({ operation, version }) => `${sha256(contentOf(operation))} ${version}`);
  expect(kept.toSorted()).toEqual(told.toSorted());

  const last = new Map(written.map(({ key, digest }) => [String(key), String(digest)]));
  expect(last.size).toBe(KEYS);
  for (const [key, digest] of last) expect(sha256(await mustGet(cluster.urls[0] ?? "", key))).toBe(digest);
});
