import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startPostgres } from "@koboldfs/tools";
import { peakMemoryOf, reapedChildrenCpuSeconds } from "./measure/processes.js";
import { generateMirror } from "./rebuild/generated-mirror.js";
import { COMMAND, HEAP_FLAG, NAMESPACE, ourEnvironment, startCluster } from "./subjects/koboldfs.js";

/** How long `koboldfs catalog rebuild` takes for so many names, and how much memory its process needs at most. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      names: { type: "string", default: "1000000" },
      blobs: { type: "string" },
      postgres: { type: "boolean", default: false },
    },
  });
  const names = Number(values.names);
  const blobs = Number(values.blobs ?? names);
  const folder = await mkdtemp(join(tmpdir(), "koboldfs-rebuild-"));
  const database = values.postgres ? await startPostgres(folder) : undefined;
  try {
    const node = await startCluster({ folder }, { nodes: 1, dsn: `sqlite:${join(folder, "lost.sqlite")}` });
    await node.stop();
    const data = join(folder, "node1");
    process.stdout.write(`making a mirror of ${names} names and ${blobs} files\n`);
    generateMirror({ data, namespace: NAMESPACE, names, blobs });
    const { seconds, cpuSeconds, peakMiB, report } = await rebuild(
      data,
      database?.url ?? `sqlite:${join(folder, "made.sqlite")}`,
    );
    const found = JSON.parse(report) as { names: number; copies: { onNodes: readonly number[] } };
    if (found.names !== names) throw new Error(`the catalog has ${found.names} names instead of ${names}`);
    if (found.copies.onNodes[1] !== blobs) throw new Error(`blobs found: ${found.copies.onNodes.join(", ")}`);
    const engine = database === undefined ? "SQLite" : "PostgreSQL";
    const cost = `${cpuSeconds.toFixed(1)} s of CPU, at most ${Math.round(peakMiB)} MiB, load average ${loadavg()[0]?.toFixed(1)}`;
    process.stdout.write(`${engine}: ${names} names in ${seconds.toFixed(1)} s, ${cost}\n`);
  } finally {
    await database?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

const SAMPLE_MS = 100;

async function rebuild(data: string, dsn: string) {
  const args = [HEAP_FLAG, COMMAND, "catalog", "rebuild", "--dsn", dsn, "--data", data, "--json"];
  const cpuBefore = reapedChildrenCpuSeconds();
  const begun = performance.now();
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"], env: ourEnvironment() });
  let report = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (report += text));
  let peakMiB = 0;
  const sample = () => {
    for (const memory of peakMemoryOf([child.pid ?? 0])) peakMiB = Math.max(peakMiB, memory.peakMiB);
  };
  const timer = setInterval(sample, SAMPLE_MS);
  const [code] = (await once(child, "close")) as [number | null];
  clearInterval(timer);
  if (code !== 0) throw new Error(`the command ended with ${code}: ${report}`);
  const cpuSeconds = reapedChildrenCpuSeconds() - cpuBefore;
  return { seconds: (performance.now() - begun) / 1000, cpuSeconds, peakMiB, report };
}

await main();
