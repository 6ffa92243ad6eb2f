import { setTimeout as sleep } from "node:timers/promises";
import { ClientPool } from "@koboldfs/client";
import { type GaleraCluster, type GaleraMember, startGalera } from "@koboldfs/tools";
import mysql from "mysql2/promise";
import { afterAll, describe, expect, it } from "vitest";
import { type Application, openApplication } from "./coupled/application.js";
import { compare, type CoupledScene, recover } from "./coupled/kill-round.js";
import { SteadyCouples } from "./coupled/steady-couples.js";
import type { Cluster } from "./harness/cluster.js";
import { waitUntilWhole } from "./harness/node-status.js";
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

async function withScene(galera: GaleraCluster, body: (scene: Scene) => Promise<void>): Promise<void> {
  const { dsn, members } = galera;
  const [first, second, third] = members;
  if (first === undefined || second === undefined || third === undefined) throw new Error("there are three members");
  await withCluster({ nodes: 2, engine: "mariadb", catalog: async () => givenCatalog(dsn) }, async (cluster) => {
    const pool = new ClientPool({ servers: cluster.urls, token: cluster.secret ?? "" });
    const application = await openNeighbour(third);
    try {
      await body({ cluster, pool, application, random: seededRandom("Galera"), first, second, third });
    } finally {
      await pool.close();
      await application.close();
    }
  });
}

interface Scene extends CoupledScene {
  readonly cluster: Cluster;
  readonly first: GaleraMember;
  readonly second: GaleraMember;
  readonly third: GaleraMember;
}

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

describe.skipIf(missing !== undefined)(
  `a Galera cluster${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    it("is written through one member by all nodes, and through the next one when that is killed amid puts and transactions", () =>
      withScene(galera as GaleraCluster, loseFirst));
  },
);
