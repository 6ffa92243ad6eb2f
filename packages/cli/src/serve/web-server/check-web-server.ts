import { randomBytes, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { NamespaceClient } from "@koboldfs/client";
import type { Run } from "../../connection.js";

export interface CheckResult {
  readonly check: string;
  /** Absent when it is as it should be. */
  readonly problem?: string;
}

/** More than web servers put into one buffer, and than nodes send in one piece. */
const FILE_BYTES = 1024 * 1024 + 17;
const KEY = "web server check/ü 100%.txt";
/** Not what the name's extension means. */
const STORED_TYPE = "application/x-koboldfs-check";
const RANGE = { offset: 1000, length: 24 };

/** What every check works with. */
interface Bench {
  readonly client: NamespaceClient;
  readonly bytes: Buffer;
}

/** One question; throws, or answers what is wrong. */
type Check = (bench: Bench) => Promise<string | undefined>;

/**
 * Uses the web server that the run talks to as clients would, with a namespace of its own that is removed afterwards.
 * Each check fails alone.
 */
export async function checkWebServer(run: Run, url: string): Promise<CheckResult[]> {
  const client = run.connect(`web-server-check-${randomUUID().slice(0, 8)}`);
  const bench = { client, bytes: randomBytes(FILE_BYTES) };
  await client.createNamespace({
    urlTemplate: `${url.replace(/\/+$/, "")}/direct/{namespace}/{path}/{name}?{signature}`,
  });
  try {
    await client.put(KEY, bench.bytes, { contentType: STORED_TYPE });
    const results: CheckResult[] = [];
    for (const [check, ask] of CHECKS) {
      const problem = await ask(bench).catch((thrown: unknown) => (thrown as Error).message);
      results.push({ check, ...(problem !== undefined && { problem }) });
    }
    return results;
  } finally {
    await client.purge(KEY);
    await client.dropNamespace();
  }
}

export function formatChecks(results: readonly CheckResult[]): string {
  return results
    .map(({ check, problem }) => (problem === undefined ? `ok    ${check}` : `WRONG ${check}: ${problem}`))
    .join("\n");
}

const CHECKS: readonly (readonly [string, Check])[] = [
  ["a file comes back whole, with its stored type", readWhole],
  ["a part of a file is that part", readPart],
  ["HEAD tells what a file is", readHead],
  ["a signed direct URL gives the bytes, with the type of the file's name, to be kept for ever", readDirect],
  ["a part of a direct URL is that part", readDirectPart],
  ["a direct URL without its signature is refused", refuseUnsigned],
  ["a direct URL under another file name is refused", refuseRenamed],
  ["a direct URL that has expired is refused", refuseExpired],
];

async function readWhole({ client, bytes }: Bench): Promise<string | undefined> {
  const file = await client.open(KEY);
  if (file === undefined) return "there is no such file";
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.body) chunks.push(chunk);
  if (!Buffer.concat(chunks).equals(bytes)) return "the bytes are others";
  return expectType(file.info.contentType, STORED_TYPE);
}

async function readPart({ client, bytes }: Bench): Promise<string | undefined> {
  return expectBytes(await client.getBytes(KEY, { range: RANGE }), partOf(bytes));
}

async function readHead({ client, bytes }: Bench): Promise<string | undefined> {
  const info = await client.stat(KEY);
  if (info?.size !== bytes.length) return `the size is ${info?.size ?? "not told"}`;
  return expectType(info.contentType, STORED_TYPE);
}

async function readDirect({ client, bytes }: Bench): Promise<string | undefined> {
  const response = await fetch(await getUrl(client));
  if (response.status !== 200) return describe(response);
  const different = expectBytes(new Uint8Array(await response.arrayBuffer()), bytes);
  const cache = response.headers.get("cache-control") ?? "";
  if (different === undefined && !cache.includes("immutable")) return `Cache-Control is ${JSON.stringify(cache)}`;
  return different ?? expectType((response.headers.get("content-type") ?? "").split(";")[0] ?? "", "text/plain");
}

async function readDirectPart({ client, bytes }: Bench): Promise<string | undefined> {
  const range = `bytes=${RANGE.offset}-${RANGE.offset + RANGE.length - 1}`;
  const response = await fetch(await getUrl(client), { headers: { range } });
  if (response.status !== 206) return describe(response);
  return expectBytes(new Uint8Array(await response.arrayBuffer()), partOf(bytes));
}

async function refuseUnsigned({ client }: Bench): Promise<string | undefined> {
  return expectRefusal((await getUrl(client)).replace(/\?.*/, ""));
}

async function refuseRenamed({ client }: Bench): Promise<string | undefined> {
  return expectRefusal((await getUrl(client)).replace(".txt?", ".html?"));
}

async function refuseExpired({ client }: Bench): Promise<string | undefined> {
  const url = await getUrl(client, 1);
  await sleep(2500);
  return expectRefusal(url);
}

async function getUrl(client: NamespaceClient, ttlSeconds = 60): Promise<string> {
  const url = await client.getUrl(KEY, { ttlSeconds });
  if (url === undefined) throw new Error("there is no direct URL");
  return url;
}

async function expectRefusal(url: string): Promise<string | undefined> {
  const response = await fetch(url);
  await response.body?.cancel();
  return [403, 410].includes(response.status) ? undefined : describe(response);
}

function describe({ status }: Response): string {
  return `the answer is ${status}`;
}

function expectBytes(found: Uint8Array | undefined, wanted: Buffer): string | undefined {
  return found !== undefined && wanted.equals(found) ? undefined : `${found?.length ?? 0} bytes that are others`;
}

function expectType(found: string, wanted: string): string | undefined {
  return found === wanted ? undefined : `the type is ${JSON.stringify(found)}, not ${wanted}`;
}

function partOf(bytes: Buffer): Buffer {
  return bytes.subarray(RANGE.offset, RANGE.offset + RANGE.length);
}
