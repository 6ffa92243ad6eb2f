import { spawn } from "node:child_process";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { reapedChildrenCpuSeconds } from "../measure/processes.js";
import { COMMAND, HEAP_FLAG, NAMESPACE, ourEnvironment } from "../subjects/koboldfs.js";
import type { SubjectContext } from "../subjects/subject.js";
import {
  bodyOf,
  keyOf,
  LANE_NUMBERS,
  lanesOf,
  type Load,
  type LoadGenerator,
  type LoadResult,
} from "./load-generator.js";

/**
 * A sync has so many files to send for each second that was asked for, however long they take: interrupting it would leave
 * out what its end costs. Enough for a second or so of a fast machine's time.
 */
const FILES_PER_SECOND = { small: 400, large: 30 } as const;
const LARGE_BYTES = 512 * 1024;

interface SyncSummary {
  readonly transferred: number;
  readonly failed: number;
  readonly seconds: number;
}

/** `koboldfs sync`: a put sends a folder up, a get brings one down. Latencies of single files are not known. */
export class SyncLoadGenerator implements LoadGenerator {
  readonly name = "koboldfs sync";
  readonly #context: SubjectContext;

  constructor(context: SubjectContext) {
    this.#context = context;
  }

  async run(load: Load): Promise<LoadResult> {
    const work = await mkdtemp(join(this.#context.folder, "sync-"));
    if (load.operation === "put") await writeFiles(load, work);
    const cpuBefore = reapedChildrenCpuSeconds();
    const summaries =
      load.operation === "put" ? [await this.#sync(load, [work, NAMESPACE])] : await this.#down(load, work);
    const total = (pick: (summary: SyncSummary) => number) => summaries.reduce((sum, each) => sum + pick(each), 0);
    const failed = total((each) => each.failed);
    const seconds = total((each) => each.seconds);
    return {
      requests: total((each) => each.transferred),
      seconds,
      latencyMs: { p50: Number.NaN, p99: Number.NaN, max: Number.NaN },
      errors: failed > 0 ? [`${failed} files failed`] : [],
      generatorLoad: (reapedChildrenCpuSeconds() - cpuBefore) / seconds,
    };
  }

  /** Again and again into another folder until the load's time is over. */
  async #down(load: Load, work: string): Promise<SyncSummary[]> {
    const summaries: SyncSummary[] = [];
    for (let seconds = 0; seconds < load.seconds; seconds += summaries.at(-1)?.seconds ?? load.seconds) {
      const target = join(work, `down-${summaries.length}`);
      summaries.push(await this.#sync(load, [`${NAMESPACE}/${load.keyPrefix}`, target]));
    }
    return summaries;
  }

  async #sync(load: Load, sides: readonly string[]): Promise<SyncSummary> {
    const { profileFolder, folder } = this.#context;
    const profile = profileFolder === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", profileFolder];
    const servers = load.folderUrls.map((url) => new URL(url).origin).join(",");
    const options = ["--json", "--jobs", String(load.concurrency), "--server", servers];
    const child = spawn(process.execPath, [HEAP_FLAG, ...profile, COMMAND, "sync", ...sides, ...options], {
      env: { ...ourEnvironment(), XDG_CACHE_HOME: join(folder, "cache") },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
    if (stdout === "") throw new Error("koboldfs sync ended without a summary");
    return JSON.parse(stdout) as SyncSummary;
  }
}

/** The files of a put, under the names and with the bytes that are looked for afterwards. */
async function writeFiles(load: Load, work: string): Promise<void> {
  const perSecond = load.sizeBytes > LARGE_BYTES ? FILES_PER_SECOND.large : FILES_PER_SECOND.small;
  const lanes = lanesOf(load);
  const perLane = Math.ceil((perSecond * load.seconds) / lanes);
  await mkdir(dirname(join(work, load.putPrefix)), { recursive: true });
  // Number by number, so that those with low numbers, which are looked for, come first in every lane.
  for (let lane = 0; lane < lanes; lane += 1) {
    for (let number = 1; number <= perLane; number += 1) {
      const named = lane * LANE_NUMBERS + number;
      await writeFile(join(work, keyOf(load.putPrefix, named)), bodyOf(keyOf(load.putPrefix, named), load.sizeBytes));
    }
  }
}
