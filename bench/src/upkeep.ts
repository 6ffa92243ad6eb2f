import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { loadavg } from "node:os";
import { join, resolve } from "node:path";
import { putFiles } from "./load/put-files.js";
import { isFilled } from "./measure/fill.js";
import { makeRunFolder } from "./run-folder.js";
import type { Child } from "./subjects/child.js";
import { createNamespace, type Node, startNode } from "./subjects/koboldfs.js";

/**
 * What a node does for what it holds, beside what plain programs need for the same bytes on the same disk: a scrub that
 * was ordered beside `sha256sum`, and filling an empty node from another beside `rsync` between two folders. A node fsyncs
 * and checks what it fetches; plain rsync does neither. A node is timed from the start of its process, and from when it listens.
 */
const CASES = [
  { title: "4 KiB", sizeBytes: 4 * 1024, files: 10_000 },
  { title: "1 MiB", sizeBytes: 1024 * 1024, files: 1_000 },
] as const;
type Case = (typeof CASES)[number];

const ROUNDS = 3;
const POLL_MS = 50;
const MIB = 1024 * 1024;
/** Plain, and with every file flushed as a node does it (folders are not). */
const COPIES = { rsync: [], "rsync --fsync": ["--fsync"] } as const;
/** More than any disk gives: the rate is not what is measured. */
const FREE_RATE = ["--repair-rate", "1000000", "--scrub-rate", "0"];

async function main(): Promise<void> {
  checkPrograms();
  const folder = await makeRunFolder(resolve(".bench"), true);
  try {
    for (const one of CASES) await runCase(one, join(folder.path, one.title.replace(" ", "-")));
  } finally {
    await folder.remove();
  }
}

/** Before minutes were spent on a run that cannot end. */
function checkPrograms(): void {
  for (const program of ["sha256sum", "rsync"]) {
    const { error } = spawnSync(program, ["--version"]);
    if (error !== undefined) throw new Error(`${program} is compared with and must be installed: ${error.message}`);
  }
}

async function runCase(one: Case, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const cluster = { nodes: 1, dsn: `sqlite:${join(folder, "catalog.sqlite")}` };
  const nodes: Node[] = [await startNode({ folder }, cluster, { number: 1, flags: FREE_RATE })];
  try {
    const url = nodes[0]?.url ?? "";
    await createNamespace(url);
    await putFiles(url, { ...one, prefix: "file" });
    execFileSync("sync");
    const blobs = join(folder, "node1", "blobs");
    for (let round = 0; round < ROUNDS; round++) {
      tell(
        one,
        "sha256sum",
        timeOf(() => sumAll(blobs)),
      );
      tell(one, "scrub", await scrub(url));
    }
    for (let round = 0; round < ROUNDS; round++) {
      for (const [what, flags] of Object.entries(COPIES)) {
        const copy = join(folder, `${what.replace(" ", "")}${round}`);
        tell(
          one,
          what,
          timeOf(() => execFileSync("rsync", ["--archive", ...flags, `${blobs}/`, `${copy}/`])),
        );
      }
      const begun = performance.now();
      const filled = await startNode({ folder }, cluster, { number: 2 + round, flags: FREE_RATE });
      const listening = performance.now();
      nodes.push(filled);
      await waitUntilFilled(url, 2 + round);
      tell(one, "fill", performance.now() - begun);
      tell(one, "fill, started", performance.now() - listening);
      await stop(filled.child);
    }
  } finally {
    await Promise.all(nodes.map(({ child }) => child.stop()));
  }
}

function timeOf(work: () => void): number {
  const begun = performance.now();
  work();
  return performance.now() - begun;
}

function sumAll(folder: string): void {
  execFileSync("sh", ["-c", `find "${folder}" -type f -print0 | xargs -0 sha256sum`], { maxBuffer: 64 * MIB });
}

/** As the node measured it: from the order to the end of the pass. */
async function scrub(url: string): Promise<number> {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ repairs: true });
  const ordered = await fetch(`${url}/v1/scrub`, { method: "POST", headers, body });
  if (!ordered.ok) throw new Error(await ordered.text());
  for (;;) {
    await pause();
    const { nodes } = (await (await fetch(`${url}/v1/scrub`)).json()) as ScrubAnswer;
    const pass = nodes.find(({ node }) => node === "node1")?.scrub?.pass;
    if (pass?.state !== "done") continue;
    if (pass.listed.length > 0) throw new Error(`the scrub found ${JSON.stringify(pass.listed)}`);
    return Date.parse(pass.ended ?? "") - Date.parse(pass.started);
  }
}

interface ScrubAnswer {
  nodes: { node: string; scrub?: { pass?: { state: string; started: string; ended?: string; listed: unknown[] } } }[];
}

async function waitUntilFilled(url: string, number: number): Promise<void> {
  while (!(await isFilled(url, `node${number}`))) await pause();
}

async function stop(child: Child): Promise<void> {
  await child.stop();
  execFileSync("sync");
}

function pause(): Promise<void> {
  return new Promise((done) => setTimeout(done, POLL_MS));
}

function tell({ title, files, sizeBytes }: Case, what: string, ms: number): void {
  const seconds = ms / 1000;
  const rates = [`${Math.round(files / seconds)} files/s`, `${((files * sizeBytes) / MIB / seconds).toFixed(1)} MiB/s`];
  const load = loadavg()[0]?.toFixed(1);
  process.stdout.write(`${title.padEnd(6)} ${what.padEnd(13)} ${rates.join(", ").padEnd(32)} load ${load}\n`);
}

await main();
