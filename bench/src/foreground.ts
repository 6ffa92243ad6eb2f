import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { loadavg } from "node:os";
import { join, resolve } from "node:path";
import type { Load, LoadResult } from "./load/load-generator.js";
import { putFiles } from "./load/put-files.js";
import { WrkLoadGenerator } from "./load/wrk.js";
import { prepareFiles } from "./measure/files.js";
import { isFilled } from "./measure/fill.js";
import { median } from "./measure/median.js";
import { makeRunFolder } from "./run-folder.js";
import { createNamespace, FIRST_SECONDS, NAMESPACE, type Node, startNode } from "./subjects/koboldfs.js";
import { provideTools } from "./tools.js";

/**
 * What clients of a node notice while another one is filled from it at the default rate of repair: latencies of puts and gets of
 * 4 KiB alone and then, in turn. The filled node shares the machine's cores and disk, which in life are its own.
 */
const ROUNDS = 3;
const SECONDS = 4;
const CONNECTIONS = 4;
const KEYS = 2000;
const SIZE_BYTES = 4096;
/** Half a minute of filling: longer than the loads of one round. */
const TO_FILL = [
  { prefix: "large", files: 1_500, sizeBytes: 1024 * 1024 },
  { prefix: "small", files: 5_000, sizeBytes: SIZE_BYTES },
] as const;

const OPERATIONS = ["put", "get"] as const;
type Operation = (typeof OPERATIONS)[number];
type Latency = LoadResult["latencyMs"];

interface Seen {
  readonly operation: Operation;
  readonly alone: Latency;
  readonly beside: Latency;
}

async function main(): Promise<void> {
  provideTools();
  const folder = await makeRunFolder(resolve(".bench"), true);
  try {
    const seen = await measureAll(folder.path);
    for (const operation of OPERATIONS)
      tell(
        operation,
        seen.filter((one) => one.operation === operation),
      );
  } finally {
    await folder.remove();
  }
}

async function measureAll(folder: string): Promise<Seen[]> {
  mkdirSync(folder, { recursive: true });
  const cluster = { nodes: 1, dsn: `sqlite:${join(folder, "catalog.sqlite")}` };
  const nodes: Node[] = [await startNode({ folder }, cluster, { number: 1 })];
  try {
    const url = nodes[0]?.url ?? "";
    await createNamespace(url);
    await Promise.all(TO_FILL.map((files) => putFiles(url, files)));
    await prepareFiles({ folderUrls: folderUrlsOf(url) }, loadOf(url, "get", { putPrefix: "", seconds: 0 }));
    for (const operation of OPERATIONS)
      await run(url, operation, { putPrefix: "first/", seconds: FIRST_SECONDS[operation] });
    const seen: Seen[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const alone = await runBoth(url, `alone${round}/`);
      const filled = await startNode({ folder }, cluster, { number: 2 + round });
      nodes.push(filled);
      const beside = await runBoth(url, `beside${round}/`);
      if (await isFilled(url, `node${2 + round}`)) throw new Error("the node was filled before the loads had ended");
      await filled.child.stop();
      for (const operation of OPERATIONS) {
        seen.push({ operation, alone: alone[operation], beside: beside[operation] });
      }
    }
    return seen;
  } finally {
    await Promise.all(nodes.map(({ child }) => child.stop()));
  }
}

async function runBoth(url: string, putPrefix: string): Promise<Record<Operation, Latency>> {
  return {
    put: await run(url, "put", { putPrefix, seconds: SECONDS }),
    get: await run(url, "get", { putPrefix, seconds: SECONDS }),
  };
}

async function run(url: string, operation: Operation, when: Pick<Load, "putPrefix" | "seconds">): Promise<Latency> {
  execFileSync("sync");
  const { latencyMs, errors } = await new WrkLoadGenerator().run(loadOf(url, operation, when));
  if (errors.length > 0) throw new Error(`${operation}: ${errors.join(", ")}`);
  return latencyMs;
}

function loadOf(url: string, operation: Operation, when: Pick<Load, "putPrefix" | "seconds">): Load {
  const folderUrls = folderUrlsOf(url);
  return {
    operation,
    sizeBytes: SIZE_BYTES,
    concurrency: CONNECTIONS,
    folderUrls,
    keyPrefix: "key/",
    keyCount: KEYS,
    ...when,
  };
}

function folderUrlsOf(url: string): string[] {
  return [`${url}/v1/files/${NAMESPACE}/`];
}

function tell(operation: Operation, seen: readonly Seen[]): void {
  const of = (side: "alone" | "beside", at: "p50" | "p99") => median(seen.map((one) => one[side][at]));
  const ratio = median(seen.map(({ alone, beside }) => beside.p99 / alone.p99));
  const show = (side: "alone" | "beside") =>
    `p50 ${of(side, "p50").toFixed(1)} ms, p99 ${of(side, "p99").toFixed(1)} ms`;
  const load = loadavg()[0]?.toFixed(1);
  process.stdout.write(
    `${operation}  alone ${show("alone")}; while a node is filled ${show("beside")}; p99 ${ratio.toFixed(2)} times  load ${load}\n`,
  );
}

await main();
