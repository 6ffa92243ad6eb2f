import { Agent, request } from "node:http";
import { readReply } from "../harness/raw-request.js";
import { filePath } from "../harness/raw-files.js";
import { Cluster, NAMESPACE } from "../harness/cluster.js";
import type { CountTable } from "./compare-counts.js";
import { countRequests, type RequestTimes } from "./count-requests.js";
import { NodeTrace } from "./node-trace.js";

/** So many of each kind are counted. */
const REQUESTS = 48;
/** And so many of each kind go before them: caches are filled and what is prepared once is prepared. */
const WARM_UP_REQUESTS = 120;
const PROBE = new URL("./probe.js", import.meta.url).href;

interface Call {
  readonly method: "PUT" | "GET" | "DELETE";
  readonly key: string;
  readonly body?: Buffer;
}

type Calls = (title: string, count: number) => readonly Call[];

/** Kinds of requests, in the order in which they are made: each finds what the ones before left. */
const KINDS: Readonly<Record<string, Calls>> = {
  "put 4 KiB": (title, count) => list(count, (n) => put(`small/${title}-${n}`, 4096)),
  "get 4 KiB, from the disk": (title, count) => list(count, (n) => ({ method: "GET", key: `small/${title}-${n}` })),
  "get 4 KiB, from the cache": (title, count) => list(count, (n) => ({ method: "GET", key: `small/${title}-${n}` })),
  "put 64 KiB": (title, count) => list(count, (n) => put(`large/${title}-${n}`, 65_536)),
  "get 64 KiB, from the disk": (title, count) => list(count, (n) => ({ method: "GET", key: `large/${title}-${n}` })),
  "delete 4 KiB": (title, count) => list(count, (n) => ({ method: "DELETE", key: `small/${title}-${n}` })),
};

/** The same bytes in each run: their digests say which folders are new, and so what must be made and flushed. */
function put(key: string, sizeBytes: number): Call {
  const body = Buffer.alloc(sizeBytes);
  body.write(key);
  return { method: "PUT", key, body };
}

function list<T>(count: number, of: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => of(index));
}

/** Counts what one request of each kind makes two nodes on SQLite do, one request after the other. */
export async function measureCounts(strace: string): Promise<CountTable> {
  // Heartbeats are few, so that next to none falls into a request.
  const cluster = await Cluster.prepare({ nodes: 2, engine: "sqlite", settings: { INTERVAL: "10" } });
  try {
    for (const name of ["a", "b"]) await (await cluster.prepareNode(name)).start({ preload: PROBE });
    await cluster.waitUntilAllSeeAll();
    await cluster.createNamespace(NAMESPACE);
    return await countAll(cluster, strace);
  } catch (error) {
    console.error(cluster.logs());
    throw error;
  } finally {
    await cluster.close();
  }
}

async function countAll(cluster: Cluster, strace: string): Promise<CountTable> {
  const client = new SingleConnection(cluster.node("a").url);
  for (const calls of Object.values(KINDS)) await client.makeAll(calls("warm", WARM_UP_REQUESTS));
  const traces = await Promise.all(cluster.nodes.map((node) => NodeTrace.attach(strace, node, cluster.folder)));
  const times = new Map<string, RequestTimes>();
  for (const [kind, calls] of Object.entries(KINDS)) times.set(kind, await client.makeAll(calls("counted", REQUESTS)));
  client.close();
  const [asked = [], peer = []] = await Promise.all(traces.map((trace) => trace.stop()));
  return Object.fromEntries(
    [...times].flatMap(([kind, requests]) => [
      [`${kind}: the node that is asked`, countRequests(asked, requests)],
      [`${kind}: its peer`, countRequests(peer, requests)],
    ]),
  );
}

/** One request at a time on one connection: nothing shares a commit, and nothing waits for a place. */
class SingleConnection {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #server: URL;

  constructor(server: string) {
    this.#server = new URL(server);
  }

  async makeAll(calls: readonly Call[]): Promise<RequestTimes> {
    const startsMs: number[] = [];
    for (const call of calls) {
      startsMs.push(now());
      await this.#make(call);
    }
    return { startsMs, endMs: now() };
  }

  async #make({ method, key, body }: Call): Promise<void> {
    const { hostname, port } = this.#server;
    const headers = { ...(body !== undefined && { "content-length": body.length }) };
    const call = request({ hostname, port, method, path: filePath(key), headers, agent: this.#agent });
    call.end(body);
    const { status } = await readReply(call);
    if (status >= 300) throw new Error(`${method} ${key}: ${status}`);
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** The time of day, as strace has it. */
function now(): number {
  return performance.timeOrigin + performance.now();
}
