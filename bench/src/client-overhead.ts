import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@koboldfs/client";
import { Pool } from "undici";
import { formatOverhead, type Round, summarizeOverhead } from "./report/overhead.js";
import { startCluster } from "./subjects/koboldfs.js";

/**
 * What the client library costs: CPU time of this process for a get of 4 KiB through `Client`, beside the same request
 * through the undici pool below it, from one real node in another process. In turn, round after round; the bare side reads
 * the whole body and checks nothing.
 */
const SIZE_BYTES = 4096;
const CONCURRENCY = 16;
const GETS_A_ROUND = 4_000;
const ROUNDS = 9;
/** V8 compiles what is hot during the first thousands of requests. */
const WARM_UP_ROUNDS = 2;
const NAMESPACE = "bench";
const KEY = "overhead";

type Get = () => Promise<number>;

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "koboldfs-overhead-"));
  const node = await startCluster({ folder }, { nodes: 1, dsn: `sqlite:${join(folder, "catalog.sqlite")}` });
  try {
    const [url = ""] = node.folderUrls;
    process.stdout.write(formatOverhead(summarizeOverhead(await runRounds(new URL(url).origin))));
  } finally {
    await node.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function runRounds(origin: string): Promise<Round[]> {
  const client = new Client(NAMESPACE, { servers: [origin], maxInFlight: CONCURRENCY });
  const pool = new Pool(origin, { connections: CONCURRENCY });
  try {
    await client.put(KEY, Buffer.alloc(SIZE_BYTES, "koboldfs"));
    const ours: Get = async () => (await client.getBytes(KEY))?.length ?? 0;
    const bare: Get = async () => {
      const { body } = await pool.request({ method: "GET", path: `/v1/files/${NAMESPACE}/${KEY}` });
      return (await body.bytes()).length;
    };
    const rounds: Round[] = [];
    for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
      rounds.push({ bareMicros: await cpuMicrosPerGet(bare), clientMicros: await cpuMicrosPerGet(ours) });
    }
    return rounds.slice(WARM_UP_ROUNDS);
  } finally {
    await client.close();
    await pool.close();
  }
}

/** User and system time of all threads of this process. */
async function cpuMicrosPerGet(get: Get): Promise<number> {
  let left = GETS_A_ROUND;
  const before = process.cpuUsage();
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      const size = await get();
      if (size !== SIZE_BYTES) throw new Error(`a get brought ${size} bytes`);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / GETS_A_ROUND;
}

await main();
