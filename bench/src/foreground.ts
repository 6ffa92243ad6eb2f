import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { loadavg } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Load, LoadResult } from "./load/load-generator.js";
import { putFiles } from "./load/put-files.js";
import { WrkLoadGenerator } from "./load/wrk.js";
import { prepareFiles } from "./measure/files.js";
import { isFilled } from "./measure/fill.js";
import { median } from "./measure/median.js";
import { makeRunFolder } from "./run-folder.js";
import type { Child } from "./subjects/child.js";
import {
  createNamespace,
  FIRST_SECONDS,
  NAMESPACE,
  type Node,
  startNode,
  waitUntilComplete,
} from "./subjects/koboldfs.js";
import { provideTools } from "./tools.js";

/**
 * What clients of a node notice while the other one of two works off its debts at the default rate of repair: latencies of puts
 * and gets of 4 KiB before and meanwhile, in turn. The other node stood still for a while instead of being started anew, since one
 * that was just started has its code to compile. Both nodes share the machine's cores and disk, which in life are their own.
 */
const ROUNDS = 3;
const SECONDS = 4;
const CONNECTIONS = 4;
const POLL_MS = 100;
const KEYS = 2000;
const SIZE_BYTES = 4096;
/** Until the node that stood still is seen again and fetches. */
const RETURN_MS = 2_500;
/** Longer to repair than the loads of one round last. */
const OWED = [
  { name: "1 MiB", files: 1_500, sizeBytes: 1024 * 1024 },
  { name: "4 KiB", files: 6_000, sizeBytes: SIZE_BYTES },
] as const;

const OPERATIONS = ["put", "get"] as const;
type Operation = (typeof OPERATIONS)[number];
type Latency = LoadResult["latencyMs"];

interface Seen {
  readonly owed: string;
  readonly operation: Operation;
  readonly alone: Latency;
  readonly beside: Latency;
}

async function main(): Promise<void> {
  provideTools();
  const folder = await makeRunFolder(resolve(".bench"), true);
  try {
    const seen = await measureAll(folder.path);
    for (const { name } of OWED) {
      for (const operation of OPERATIONS) {
        const these = seen.filter((one) => one.owed === name && one.operation === operation);
        tell(`${operation}, files of ${name} are repaired`, these);
      }
    }
  } finally {
    await folder.remove();
  }
}

async function measureAll(folder: string): Promise<Seen[]> {
  mkdirSync(folder, { recursive: true });
  const cluster = { nodes: 2, dsn: `sqlite:${join(folder, "catalog.sqlite")}` };
  const nodes: Node[] = [];
  try {
    for (const number of [1, 2]) nodes.push(await startNode({ folder }, cluster, { number }));
    const [{ url }, { child: other }] = nodes as [Node, Node];
    await waitUntilComplete(nodes);
    await createNamespace(url);
    await prepareFiles({ folderUrls: folderUrlsOf(url) }, loadOf(url, "get", { putPrefix: "", seconds: 0 }));
    for (const operation of OPERATIONS)
      await run(url, operation, { putPrefix: "first/", seconds: FIRST_SECONDS[operation] });
    const seen: Seen[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      for (const owed of OWED) {
        const prefix = `${round}-${owed.sizeBytes}`;
        const alone = await runBoth(url, `alone-${prefix}/`);
        await freeze(other, url);
        await putFiles(url, { ...owed, prefix });
        other.signal("SIGCONT");
        await sleep(RETURN_MS);
        const beside = await runBoth(url, `beside-${prefix}/`);
        if (await isFilled(url, "node2")) throw new Error("the debts were paid before the loads had ended");
        while (!(await isFilled(url, "node2"))) await sleep(POLL_MS);
        for (const operation of OPERATIONS)
          seen.push({ owed: owed.name, operation, alone: alone[operation], beside: beside[operation] });
      }
    }
    return seen;
  } finally {
    for (const { child } of nodes) child.signal("SIGCONT");
    await Promise.all(nodes.map(({ child }) => child.stop()));
  }
}

/** Not in the midst of a commit: it would keep the lock of the catalog's file. */
async function freeze(node: Child, url: string): Promise<void> {
  for (;;) {
    node.signal("SIGSTOP");
    const put = await fetch(`${folderUrlsOf(url)[0]}probe`, { method: "PUT", body: "x" });
    if (put.ok) return;
    node.signal("SIGCONT");
    await sleep(POLL_MS);
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

function tell(what: string, seen: readonly Seen[]): void {
  const of = (side: "alone" | "beside", at: "p50" | "p99") => median(seen.map((one) => one[side][at]));
  const ratio = median(seen.map(({ alone, beside }) => beside.p99 / alone.p99));
  const show = (side: "alone" | "beside") =>
    `p50 ${of(side, "p50").toFixed(1)} ms, p99 ${of(side, "p99").toFixed(1)} ms`;
  const load = loadavg()[0]?.toFixed(1);
  process.stdout.write(
    `${what}: alone ${show("alone")}; meanwhile ${show("beside")}; p99 ${ratio.toFixed(2)} times  load ${load}\n`,
  );
}

await main();
