import { type GaleraCluster, startGalera } from "@koboldfs/tools";
import mysql from "mysql2/promise";
import { afterAll, describe, expect, it } from "vitest";
import { mustPut } from "./harness/raw-files.js";
import { checkReadable, SteadyWriters } from "./harness/steady-writers.js";
import { givenCatalog } from "./harness/test-catalog.js";
import { withCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";
import { checkJournal } from "./history/check-journal.js";
import { readJournal } from "./history/read-journal.js";

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

describe.skipIf(missing !== undefined)(
  `a Galera cluster${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    it("is written through one member by all nodes, and through the next one when that is killed while nodes put", async () => {
      const { dsn, members } = galera as GaleraCluster;
      const [first, second, third] = members;
      if (first === undefined || second === undefined || third === undefined)
        throw new Error("there are three members");
      await withCluster({ nodes: 2, engine: "mariadb", catalog: async () => givenCatalog(dsn) }, async (cluster) => {
        const [a, b] = [cluster.node("a"), cluster.node("b")];
        const writers = new SteadyWriters([a, b], 4);
        await waitUntil("some puts are acknowledged", () => writers.acknowledged.length > 40);
        await waitUntil("all sessions are with the first member", async () => {
          const others = [await countSessions(second.url), await countSessions(third.url)];
          return others.every((count) => count === 0) && (await countSessions(first.url)) > 0;
        });
        await first.kill();
        const killedMs = performance.now();
        const isAfter = ({ atMs }: { atMs: number }) => atMs > killedMs + 50;
        await waitUntil("puts are acknowledged again", () => writers.acknowledged.some(isAfter));
        const awayMs = (writers.acknowledged.find(isAfter)?.atMs ?? killedMs) - killedMs;
        console.log(`Galera: no put was acknowledged for ${Math.round(awayMs)} ms`);
        await waitUntil("the second member takes over", async () => {
          return (await countSessions(third.url)) === 0 && (await countSessions(second.url)) > 0;
        });
        await writers.stop();
        for (const node of [a, b]) await checkReadable(node, writers.keys);
        for (const { url } of [second, third]) expect(checkJournal(await readJournal(url))).toEqual([]);
        // The other node's mirror may still be catching up with what was committed meanwhile.
        await waitUntil("a put is on two machines again", async () => {
          return (await mustPut(b.url, "later", "goes on")).copies === 2;
        });
      });
    });
  },
);
