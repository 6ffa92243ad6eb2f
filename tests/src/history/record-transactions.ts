import { ClientPool } from "@koboldfs/client";
import type { Cluster } from "../harness/cluster.js";
import { SeededRandom } from "../harness/random.js";
import { waitUntil } from "../harness/wait-until.js";
import { RecordedLooks } from "./recorded-looks.js";
import { TransactionActor } from "./recorded-transaction.js";
import { TransactionRecording, type Unanswered } from "./transaction-recording.js";

const ACTORS = 4;
const READERS = 2;
const KEYS = ["x", "y", "z"];

export interface RecordingOptions {
  readonly cluster: Cluster;
  readonly random: SeededRandom;
  /** Made by this; nothing else happens in them. */
  readonly namespaces: readonly string[];
}

/**
 * Lets several clients commit, abort and leave transactions over the same few keys of the namespaces, each preferring another node,
 * while others look and `meanwhile` does what it does. When that is over everything unfinished is decided, every unknown outcome is
 * found out, and each node is looked at once more.
 */
export async function recordTransactions(
  { cluster, random, namespaces }: RecordingOptions,
  meanwhile: () => Promise<void>,
): Promise<TransactionRecording> {
  for (const namespace of namespaces) await cluster.createNamespace(namespace);
  const recording = new TransactionRecording(new Map(namespaces.map((namespace) => [namespace, KEYS])));
  const servers = cluster.urls;
  const pools = Array.from({ length: ACTORS }, (_, index) => openPool(cluster, index));
  let isOver = false;
  const act = async (pool: ClientPool, lane: number) => {
    const own = new SeededRandom(random.seed + lane + 1);
    for (let turn = 0; !isOver; turn += 1) {
      const actor = new TransactionActor({ pool, recording, random: own }, `t${lane}-${turn}`);
      if (own.next() < 0.2) await actor.putAlone();
      else await actor.run();
    }
  };
  const read = async (lane: number) => {
    const looks = new RecordedLooks(recording, new SeededRandom(random.seed - lane - 1), servers);
    while (!isOver) await looks.lookOnce();
  };
  try {
    const lanes = [...pools.map(act), ...Array.from({ length: READERS }, (_, lane) => read(lane))];
    const deciding = decideLeft(pools[0] as ClientPool, recording, random, () => isOver);
    const all = Promise.all([...lanes, deciding]);
    try {
      await Promise.race([meanwhile(), all]);
    } finally {
      isOver = true;
    }
    await all;
    await findOut(pools[0] as ClientPool, recording, recording.takeUnanswered(), random);
    await lookAtAll(recording, random, servers);
  } finally {
    await Promise.all(pools.map((pool) => pool.close()));
  }
  return recording;
}

function openPool({ urls, secret }: Cluster, first: number): ClientPool {
  const servers = urls.map((_, index) => urls[(first + index) % urls.length] as string);
  return new ClientPool({ servers, ...(secret !== undefined && { token: secret }) });
}

/** Plays the coordinators that come back: what was left prepared holds its keys, and the others should not only wait. */
async function decideLeft(
  pool: ClientPool,
  recording: TransactionRecording,
  random: SeededRandom,
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    await new Promise((resolve) => setTimeout(resolve, 150));
    await findOut(pool, recording, recording.takeUnanswered(), random);
  }
}

/** Ends each that is not finished, one way or the other, and notes what came of it. */
async function findOut(
  pool: ClientPool,
  recording: TransactionRecording,
  unanswered: readonly Unanswered[],
  random: SeededRandom,
): Promise<void> {
  for (const { record, id, put } of unanswered) {
    let { commitMs } = record;
    let version: number | undefined;
    const wants = random.next() < 0.5 ? "commit" : "abort";
    await waitUntil(`it is known what became of ${record.tag}`, async () => {
      if (put !== undefined) version = await findVersion(pool, put);
      if (id === undefined) return true;
      const info = await pool.getTransaction(id).catch((thrown: unknown) => {
        if ((thrown as { code?: string }).code === "transaction_not_found") return undefined;
        throw thrown;
      });
      if (info === undefined || info.state === "aborted") return true;
      ({ version } = info);
      if (info.state === "committed") return true;
      if (wants === "commit") commitMs ??= performance.now();
      await pool.finishTransaction(id, info.state === "prepared" ? wants : "abort");
      return false;
    });
    recording.note({ ...record, commitMs, version, endMs: performance.now() });
  }
}

/** The number of the version that has these bytes, which nobody else wrote. */
async function findVersion(pool: ClientPool, put: NonNullable<Unanswered["put"]>): Promise<number | undefined> {
  for await (const info of pool.client(put.namespace).versions(put.key)) {
    if (info.digest === put.digest) return info.version;
  }
  return undefined;
}

async function lookAtAll(recording: TransactionRecording, random: SeededRandom, servers: readonly string[]) {
  const looks = new RecordedLooks(recording, random, servers);
  for (const server of servers) {
    for (const namespace of recording.keys.keys()) await looks.list(server, namespace);
    for (const place of recording.places) await looks.get(server, place);
  }
}
