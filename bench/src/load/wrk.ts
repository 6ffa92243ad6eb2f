import { execFile } from "node:child_process";
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
  const script = `${LUA_FOLDER}/${load.operation}.lua`;
  const operand = load.operation === "put" ? load.sizeBytes : load.keyCount;
  const lanes = lanesOf(load);
  const urls = load.folderUrls.slice(0, lanes).map((url) => new URL(url));
  const options = [
    "--threads",
    String(lanes),
    "--connections",
    String(load.concurrency),
    "--duration",
    `${load.seconds}s`,
  ];
  options.push(
    "--timeout",
    REQUEST_TIMEOUT,
    "--script",
    script,
    String(urls[0]),
    "--",
    load.keyPrefix,
    String(operand),
  );
  const env = {
    ...process.env,
    BENCH_LUA: LUA_FOLDER,
    BENCH_GET_QUERY: getQuery,
    BENCH_ENTRANCES: urls.map(({ host }) => host).join(","),
  };
  const { stdout } = await promisify(execFile)("wrk", options, { env });
  const line = stdout.split("\n").find((text) => text.startsWith("RESULT "));
  if (line === undefined) throw new Error(`wrk said nothing of its result:\n${stdout}`);
  return JSON.parse(line.slice("RESULT ".length)) as WrkSummary;
}

function findErrors(load: Load, summary: WrkSummary): string[] {
  const errors = Object.entries(summary.errors)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${count} ${kind}`);
  if (summary.requests === 0) errors.push("not one request was answered");
  // wrk does not count redirections and knows nothing of lengths: an answer that is no file shows in the bytes.
  if (load.operation === "get" && summary.bytes < summary.requests * load.sizeBytes) errors.push("short answers");
  return errors;
}
