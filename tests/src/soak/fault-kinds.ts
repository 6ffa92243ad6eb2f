import { setTimeout as sleep } from "node:timers/promises";
import { CRASH_POINTS, type CrashPoint } from "@koboldfs/server/crash-points";
import type { Cluster } from "../harness/cluster.js";
import type { NodeProcess } from "../harness/node-process.js";
import type { SeededRandom } from "../harness/random.js";
import type { TcpProxy } from "../harness/tcp-proxy.js";
import { waitUntil } from "../harness/wait-until.js";

export interface FaultGround {
  readonly cluster: Cluster;
  readonly random: SeededRandom;
  /** Says whether the catalog can be disturbed on the way. */
  readonly hasCatalogProxies: boolean;
  /** How long a fault lasts at most. */
  readonly longestMs: number;
}

/** One kind of fault: injects it, lets it last, and heals it. Never with another one of its lane. */
export interface FaultKind {
  readonly name: string;
  /** What happens, for the report. */
  readonly does: string;
  /** Answers false when it could not be injected. */
  readonly inject: (ground: FaultGround) => Promise<boolean>;
}

/** An order to die that was not met by then is taken back. */
const CRASH_PATIENCE_MS = 4_000;
/** Parts that clients' puts lead to. */
const CRASH_PARTS = ["blob", "put", "commit", "mirror", "repair"];

function pick<T>(random: SeededRandom, list: readonly T[]): T {
  return list[random.between(0, list.length)] as T;
}

function lasting({ random, longestMs }: FaultGround): Promise<void> {
  return sleep(random.between(longestMs / 10, longestMs));
}

async function killOne({ cluster, random }: FaultGround): Promise<boolean> {
  const victim = pick(random, cluster.nodes);
  await victim.kill("SIGKILL");
  await sleep(random.between(0, 3_000));
  await victim.start();
  return true;
}

async function stopOne({ cluster, random }: FaultGround): Promise<boolean> {
  const victim = pick(random, cluster.nodes);
  await victim.stop();
  await sleep(random.between(0, 2_000));
  await victim.start();
  return true;
}

/** The power of the whole room: the processes only, since a disk's own memory is another test's. */
async function killAll({ cluster }: FaultGround): Promise<boolean> {
  await Promise.all(cluster.nodes.map((node) => node.kill("SIGKILL")));
  await Promise.all(cluster.nodes.map((node) => node.start()));
  return true;
}

async function freezeOne(ground: FaultGround): Promise<boolean> {
  const victim = pick(ground.random, ground.cluster.nodes);
  await victim.kill("SIGSTOP");
  try {
    await lasting(ground);
  } finally {
    await victim.kill("SIGCONT");
  }
  return true;
}

async function crashOne({ cluster, random }: FaultGround): Promise<boolean> {
  const victim = pick(random, cluster.nodes);
  const points = CRASH_POINTS.filter((point) => CRASH_PARTS.includes(point.slice(0, point.indexOf("."))));
  victim.orderCrash(pick<CrashPoint>(random, points), random.between(1, 30));
  const isMet = await waitUntil("the order is met", () => !victim.isRunning, {
    timeoutMs: CRASH_PATIENCE_MS,
    pollMs: 10,
  })
    .catch(() => false)
    .finally(() => victim.withdrawOrder());
  // It may die of the order in the very moment in which that is taken back.
  if (!isMet && victim.isRunning) await sleep(100);
  if (victim.isRunning) return false;
  await victim.start();
  return true;
}

/** On the ways to one node, or to all. */
function disturb(ways: "peers" | "catalog", disturbance: (proxy: TcpProxy, random: SeededRandom) => void) {
  return async (ground: FaultGround): Promise<boolean> => {
    const { cluster, random, hasCatalogProxies } = ground;
    if (ways === "catalog" && !hasCatalogProxies) return false;
    const victims: readonly NodeProcess[] = random.next() < 0.3 ? cluster.nodes : [pick(random, cluster.nodes)];
    const proxies = victims.map(({ name }) =>
      ways === "peers" ? cluster.peerProxy(name) : cluster.catalogProxyOf(name),
    );
    for (const proxy of proxies) disturbance(proxy, random);
    try {
      await lasting(ground);
    } finally {
      for (const proxy of proxies) proxy.heal();
    }
    return true;
  };
}

/** What befalls processes. */
export const PROCESS_FAULTS: readonly FaultKind[] = [
  { name: "kill", does: "a node is killed (SIGKILL) and started again", inject: killOne },
  { name: "crash", does: "a node dies at a chosen crash point and is started again", inject: crashOne },
  { name: "freeze", does: "a node stands still (SIGSTOP) and goes on", inject: freezeOne },
  { name: "stop", does: "a node is stopped in order and started again", inject: stopOne },
  { name: "kill all", does: "all nodes are killed at the same moment", inject: killAll },
];

/** What befalls the ways between nodes, and between nodes and the catalog. */
export const NETWORK_FAULTS: readonly FaultKind[] = (["peers", "catalog"] as const).flatMap((ways) => {
  const where = ways === "peers" ? "between nodes" : "to the catalog";
  return [
    {
      name: `${ways} cut`,
      does: `connections ${where} are reset and refused`,
      inject: disturb(ways, (proxy) => proxy.cut()),
    },
    {
      name: `${ways} silent`,
      does: `bytes ${where} are swallowed`,
      inject: disturb(ways, (proxy) => proxy.blackHole()),
    },
    {
      name: `${ways} deaf`,
      does: `requests ${where} arrive, answers do not`,
      inject: disturb(ways, (proxy) => proxy.deafen()),
    },
    {
      name: `${ways} slow`,
      does: `every piece ${where} is late`,
      inject: disturb(ways, (proxy, random) => proxy.delay(random.between(5, 150))),
    },
    {
      name: `${ways} thin`,
      does: `little passes in a second ${where}`,
      inject: disturb(ways, (proxy, random) => proxy.limit(random.between(20_000, 500_000))),
    },
    {
      name: `${ways} broken off`,
      does: `each new connection ${where} is reset in the middle`,
      inject: disturb(ways, (proxy, random) => proxy.cutAfter(random.between(100, 20_000))),
    },
  ];
});
