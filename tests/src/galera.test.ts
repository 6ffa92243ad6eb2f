import { setTimeout as sleep } from "node:timers/promises";
import { ClientPool } from "@koboldfs/client";
import { type GaleraCluster, type GaleraMember, startGalera } from "@koboldfs/tools";
import mysql from "mysql2/promise";
import { afterAll, describe, expect, it } from "vitest";
import { type Application, openApplication } from "./coupled/application.js";
import { compare, type CoupledScene, recover } from "./coupled/kill-round.js";
import { SteadyCouples } from "./coupled/steady-couples.js";
import type { Cluster } from "./harness/cluster.js";
import { historyKindsOf, waitUntilWhole } from "./harness/node-status.js";
import { mustPut } from "./harness/raw-files.js";
import { seededRandom } from "./harness/random.js";
import { checkReadable, SteadyWriters } from "./harness/steady-writers.js";
import { givenCatalog } from "./harness/test-catalog.js";
import { withCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";
import { checkJournal } from "./history/check-journal.js";
import { readJournal } from "./history/read-journal.js";
import { TransactionWitnesses } from "./history/transaction-witnesses.js";

const galera = await startGalera();
/** Writers go on for a minute here, and what they wrote is read afterwards. */
const SLOW_MS = 300;
const missing = "skip" in galera ? galera.skip : undefined;

afterAll(async () => {
  if (!("skip" in galera)) await galera.stop();
});

/** Sessions that nodes have with the catalog through a member. */
async function countSessions(url: string): Promise<number> {
  const connection = await mysql.createConnection(url);
  try {
    const [rows] = await connection.query(
      "select count(*) as sessions from information_schema.processlist where db = 'catalog' and id <> connection_id()",
    );
    return Number((rows as { sessions: number }[])[0]?.sessions);
  } finally {
    await connection.end();
  }
}

/** An application's own database beside the catalog, through the member that nobody kills. */
async function openNeighbour({ url }: GaleraMember): Promise<Application> {
  const connection = await mysql.createConnection(url);
  await connection.query("create database application");
  await connection.end();
  return openApplication("mariadb", url.replace(/catalog$/, "application"));
}

/** Every test begins with three members that run, and an empty catalog. */
async function withMembers(galera: GaleraCluster, body: (scene: MemberScene) => Promise<void>): Promise<void> {
  const { dsn, members } = galera;
  const [first, second, third] = members;
  if (first === undefined || second === undefined || third === undefined) throw new Error("there are three members");
  await galera.renew();
  await withCluster({ nodes: 2, engine: "mariadb", catalog: async () => givenCatalog(dsn) }, (cluster) =>
    body({ galera, cluster, first, second, third }),
  );
}

async function withScene(galera: GaleraCluster, body: (scene: Scene) => Promise<void>): Promise<void> {
  await withMembers(galera, async (members) => {
    const { cluster } = members;
    const pool = new ClientPool({ servers: cluster.urls, token: cluster.secret ?? "" });
    const application = await openNeighbour(members.third);
    try {
      await body({ ...members, pool, application, random: seededRandom("Galera") });
    } finally {
      await pool.close();
      await application.close();
    }
  });
}

interface MemberScene {
  readonly galera: GaleraCluster;
  readonly cluster: Cluster;
  readonly first: GaleraMember;
  readonly second: GaleraMember;
  readonly third: GaleraMember;
}

interface Scene extends CoupledScene, MemberScene {}

async function loseFirst(scene: Scene): Promise<void> {
  const { cluster, pool, first, second, third, random } = scene;
  const [a, b] = [cluster.node("a"), cluster.node("b")];
  const writers = new SteadyWriters([a, b], 4);
  const couples = new SteadyCouples(scene);
  const witnesses = new TransactionWitnesses(pool);
  await witnesses.begin();
  await witnesses.goOn();
  await waitUntil("some puts and couples are acknowledged", () => {
    return writers.acknowledged.length > 40 && couples.committedMs.length > 10;
  });
  await waitUntil("all sessions are with the first member", async () => {
    const others = [await countSessions(second.url), await countSessions(third.url)];
    return others.every((count) => count === 0) && (await countSessions(first.url)) > 0;
  });
  witnesses.commitOne();
  await sleep(random.between(0, 20));
  await first.kill();
  const killedMs = performance.now();
  const isAfter = (atMs: number) => atMs > killedMs + 50;
  await waitUntil("puts and couples are acknowledged again", () => {
    return writers.acknowledged.some(({ atMs }) => isAfter(atMs)) && couples.committedMs.some(isAfter);
  });
  const awayMs = (writers.acknowledged.find(({ atMs }) => isAfter(atMs))?.atMs ?? killedMs) - killedMs;
  console.log(`Galera: no put was acknowledged for ${Math.round(awayMs)} ms`);
  await waitUntil("the second member takes over", async () => {
    return (await countSessions(third.url)) === 0 && (await countSessions(second.url)) > 0;
  });
  await Promise.all([writers.stop(), couples.stop()]);
  for (const node of [a, b]) await checkReadable(node, writers.keys);
  for (const node of [a, b]) await waitUntilWhole(node);
  await witnesses.checkAll(true);
  await checkCouples(scene, couples);
  for (const { url } of [second, third]) expect(checkJournal(await readJournal(url))).toEqual([]);
  // The other node's mirror may still be catching up with what was committed meanwhile.
  await waitUntil(
    "a put is on two machines again",
    async () => (await mustPut(b.url, "later", "goes on")).copies === 2,
  );
}

/** Whatever the clients were told: files and rows agree, and what they were told of is there. */
async function checkCouples(scene: Scene, { prefix, committedMs, failures }: SteadyCouples): Promise<void> {
  const recovered = await recover(scene);
  const documents = await compare(scene, prefix);
  console.log(
    `couples: ${JSON.stringify({ committed: committedMs.length, ...Object.fromEntries(failures), recovered })}`,
  );
  expect(documents).toBeGreaterThanOrEqual(committedMs.length * 2);
}

/** Puts through every node are acknowledged that began after now, and all that the nodes ask goes to this member alone. */
async function waitUntilWrittenThrough(member: GaleraMember, { cluster, others, writers }: Written): Promise<void> {
  await waitUntil("all nodes are with the same member, and with that one", async () => {
    const counts = await Promise.all(others.map(({ url }) => countSessions(url)));
    return counts.every((count) => count === 0) && (await countSessions(member.url)) > 0;
  });
  const fromMs = performance.now();
  for (const { name } of cluster.nodes) {
    await waitUntil(`puts through ${name} are acknowledged`, () =>
      writers.acknowledged.some(({ node, atMs }) => node === name && atMs > fromMs + 500),
    );
  }
}

interface Written {
  readonly cluster: Cluster;
  readonly others: readonly GaleraMember[];
  readonly writers: SteadyWriters;
}

/** What the other has committed, this one has too, through its own port and to the bit. */
async function checkHasAll(member: GaleraMember, other: GaleraMember): Promise<void> {
  const { groups, head } = await readJournal(other.url);
  const journal = await waitUntil("it has come as far as the other one", async () => {
    const own = await readJournal(member.url);
    return own.head.number >= head.number && own;
  });
  expect(checkJournal(journal)).toEqual([]);
  expect(groups.length).toBeGreaterThan(20);
  expect(journal.groups.slice(0, groups.length)).toEqual(groups);
}

/** Rows and checksum of each table. */
async function readTables({ url }: GaleraMember): Promise<Record<string, unknown>[]> {
  const connection = await mysql.createConnection(url);
  try {
    await connection.query("set session wsrep_sync_wait = 1");
    const [names] = await connection.query(
      "select table_name as name from information_schema.tables where table_schema = 'catalog'",
    );
    const tables: Record<string, unknown>[] = [];
    for (const { name } of names as { name: string }[]) {
      const [[count]] = (await connection.query(`select count(*) as count from ${name}`)) as unknown as [
        [{ count: number }],
      ];
      const [[sum]] = (await connection.query(`checksum table ${name}`)) as unknown as [[{ Checksum: number }]];
      tables.push({ name, rows: count.count, checksum: sum.Checksum });
    }
    return tables.toSorted((a, b) => String(a["name"]).localeCompare(String(b["name"])));
  } finally {
    await connection.end();
  }
}

/** Nothing acknowledged is lost, nothing was to be mended, and the members that run are equal. Ends the nodes. */
async function checkAllIsThere(
  cluster: Cluster,
  writers: SteadyWriters,
  members: readonly GaleraMember[],
): Promise<void> {
  for (const node of cluster.nodes) await waitUntilWhole(node);
  for (const node of cluster.nodes) await checkReadable(node, writers.keys);
  expect(await historyKindsOf(cluster)).toEqual([]);
  await waitUntil("a put is on two machines again", async () => {
    return (await mustPut(cluster.node("b").url, "later", "goes on")).copies === 2;
  });
  for (const node of cluster.nodes) await node.stop();
  const [first, ...others] = await Promise.all(members.map(readTables));
  expect(first?.find(({ name }) => name === "files")?.["rows"]).toBeGreaterThanOrEqual(writers.keys.length);
  for (const other of others) expect(other).toEqual(first);
  for (const { url } of members) expect(checkJournal(await readJournal(url))).toEqual([]);
}

async function returnAndTakeOver({ cluster, first, second, third }: MemberScene): Promise<void> {
  const writers = new SteadyWriters(cluster.nodes, 4, SLOW_MS);
  const written = (member: GaleraMember, others: readonly GaleraMember[]) =>
    waitUntilWrittenThrough(member, { cluster, others, writers });
  await written(first, [second, third]);
  await first.kill();
  await written(second, [third]);
  await first.restart();
  await checkHasAll(first, second);
  await written(first, [second, third]);
  // It is sent everything, by one of those that go on.
  await second.kill();
  await second.loseDisk();
  await second.restart();
  await checkHasAll(second, third);
  await written(first, [second, third]);
  await first.kill();
  await written(second, [third]);
  await writers.stop();
  await checkAllIsThere(cluster, writers, [second, third]);
}

async function dieAndReturnTogether({ cluster, first, second, third, galera }: MemberScene): Promise<void> {
  const writers = new SteadyWriters(cluster.nodes, 4, SLOW_MS);
  const others = [second, third];
  await waitUntilWrittenThrough(first, { cluster, others, writers });
  await Promise.all([first, second, third].map((member) => member.kill()));
  await waitUntil("puts are refused", () => writers.refusals.has("catalog_unavailable"));
  await galera.bootstrap();
  await waitUntilWrittenThrough(first, { cluster, others, writers });
  await writers.stop();
  await checkAllIsThere(cluster, writers, [first, second, third]);
}

describe.skipIf(missing !== undefined)(
  `a Galera cluster${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    it("is written through one member by all nodes, and through the next one when that is killed amid puts and transactions", () =>
      withScene(galera as GaleraCluster, loseFirst));

    it("is written through a member that has returned, after a kill or with an empty disk, and nothing is lost", () =>
      withMembers(galera as GaleraCluster, returnAndTakeOver));

    it("goes on by itself when all its members have died at once and are started from the one that has committed most", () =>
      withMembers(galera as GaleraCluster, dieAndReturnTogether));
  },
);
