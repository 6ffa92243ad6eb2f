import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { reapedChildrenCpuSeconds } from "../measure/processes.js";
import { lanesOf, type Load, type LoadGenerator, type LoadResult } from "./load-generator.js";

const LUA_FOLDER = fileURLToPath(new URL("../../lua", import.meta.url));
/** Long enough that a stall is measured as latency; a request that takes longer counts as an error. */
const REQUEST_TIMEOUT = "20s";

/** What bench/lua/common.lua prints. */
interface WrkSummary {
  readonly requests: number;
  readonly durationUs: number;
  readonly bytes: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
  readonly errors: Readonly<Record<string, number>>;
}

/** wrk with one connection per unit of concurrency, and one thread for each server that takes requests. */
export class WrkLoadGenerator implements LoadGenerator {
  readonly name = "wrk";
  readonly #getQuery: string;

  /** `getQuery` stands behind each URL that is read, with its question mark. */
  constructor(getQuery = "") {
    this.#getQuery = getQuery;
  }

  async run(load: Load): Promise<LoadResult> {
    const cpuBefore = reapedChildrenCpuSeconds();
    const summary = await runWrk(load, this.#getQuery);
    const seconds = summary.durationUs / 1e6;
    return {
      requests: summary.requests,
      seconds,
      latencyMs: { p50: summary.p50Us / 1e3, p99: summary.p99Us / 1e3, max: summary.maxUs / 1e3 },
      errors: findErrors(load, summary),
      generatorLoad: (reapedChildrenCpuSeconds() - cpuBefore) / seconds,
    };
  }
}

async function runWrk(load: Load, getQuery: string): Promise<WrkSummary> {
  const lanes = lanesOf(load);
  const urls = load.folderUrls.slice(0, lanes).map((url) => new URL(url));
  const { keyPrefix, keyCount, putPrefix, sizeBytes, concurrency } = load;
  const flags = { threads: lanes, connections: concurrency, duration: `${load.seconds}s`, timeout: REQUEST_TIMEOUT };
  const options = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const scriptArguments = [keyPrefix, keyCount, putPrefix, sizeBytes, concurrency / lanes].map(String);
  const script = ["--script", `${LUA_FOLDER}/${load.operation}.lua`, String(urls[0]), "--", ...scriptArguments];
  const pathsFile = await writePaths(load);
  const env = {
    ...process.env,
    BENCH_LUA: LUA_FOLDER,
    BENCH_GET_QUERY: getQuery,
    BENCH_ENTRANCES: urls.map(({ host }) => host).join(","),
    ...(pathsFile === undefined ? {} : { BENCH_READ_PATHS: pathsFile }),
  };
  try {
    const { stdout } = await promisify(execFile)("wrk", [...options, ...script], { env });
    const line = stdout.split("\n").find((text) => text.startsWith("RESULT "));
    if (line === undefined) throw new Error(`wrk said nothing of its result:\n${stdout}`);
    return JSON.parse(line.slice("RESULT ".length)) as WrkSummary;
  } finally {
    if (pathsFile !== undefined) await rm(dirname(pathsFile), { recursive: true });
  }
}

/** In a file, since an environment variable holds no more than 128 KiB. */
async function writePaths({ readPaths }: Load): Promise<string | undefined> {
  if (readPaths === undefined) return undefined;
  const file = join(await mkdtemp(join(tmpdir(), "koboldfs-bench-")), "paths");
  await writeFile(file, `${readPaths.join("\n")}\n`);
  return file;
}

function findErrors(load: Load, summary: WrkSummary): string[] {
  const errors = Object.entries(summary.errors)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${count} ${kind}`);
  if (!(summary.durationUs > 0)) errors.push("no time passed between the first request and the last answer");
  if (summary.requests === 0) errors.push("not one request was answered");
  // wrk does not count redirections and knows nothing of lengths: an answer that is no file shows in the bytes.
  if (load.operation === "get" && summary.bytes < summary.requests * load.sizeBytes) errors.push("short answers");
  return errors;
}
