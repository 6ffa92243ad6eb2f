import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClientPool } from "@koboldfs/client";
import { startPostgresPair } from "@koboldfs/tools";
import { describe, expect, it } from "vitest";
import { type ApplicationEngine, openApplication } from "./coupled/application.js";
import {
  type KillableDatabase,
  type KillScene,
  type RoundReport,
  runKillRound,
  type Victim,
  Writer,
} from "./coupled/kill-round.js";
import { seededRandom } from "./harness/random.js";
import { createTestCatalog, reasonOf, whyEngineIsMissing } from "./harness/test-catalog.js";
import { withCluster } from "./harness/use-cluster.js";

/** More of them: KOBOLDFS_COUPLED_ROUNDS. */
const ROUNDS = Number(process.env["KOBOLDFS_COUPLED_ROUNDS"] ?? 9);
const ROUND_LIMIT_MS = 30_000;
const ROUNDS_PER_LINE = 50;
/** Who dies, again and again; what only kills the client takes the least time and finds the most. */
const DEATHS: readonly (readonly Victim[])[] = [
  ["client"],
  ["client", "node"],
  ["client"],
  ["database"],
  ["client"],
  ["client", "database"],
  ["node"],
  ["client"],
  ["node", "database"],
];

interface OwnedDatabase extends KillableDatabase {
  drop(): Promise<void>;
}

/** PostgreSQL is a server of this test's own, to be killed; SQLite dies with the client; MariaDB is shared and must live. */
async function openDatabase(engine: ApplicationEngine, folder: string): Promise<OwnedDatabase> {
  if (engine === "postgres") {
    const pair = await startPostgresPair({ synchronous: false });
    const { url, kill, restart } = pair.primary;
    return {
      engine,
      dsn: url,
      kill: () => kill.call(pair.primary),
      restart: () => restart.call(pair.primary),
      drop: pair.stop,
    };
  }
  const { dsn, drop } = await createTestCatalog(engine, folder);
  const nothing = async () => undefined;
  const path = join(folder, "application.sqlite");
  return { engine, dsn: engine === "sqlite" ? path : dsn, kill: nothing, restart: nothing, drop };
}

/** What the rounds so far were and found; a long run prints it now and then, and a failed one says how far it came. */
class RoundSums {
  readonly #sums = { rounds: 0, documents: 0, committed: 0, aborted: 0 };
  readonly #steps: Record<string, number> = {};
  readonly #victims: Record<string, number> = {};

  get rounds(): number {
    return this.#sums.rounds;
  }

  add(report: RoundReport, { step, victims }: { step: string; victims: readonly Victim[] }): void {
    this.#sums.rounds += 1;
    this.#sums.documents += report.documents;
    this.#sums.committed += report.committed;
    this.#sums.aborted += report.aborted;
    this.#steps[step] = (this.#steps[step] ?? 0) + 1;
    const dead = victims.join("+");
    this.#victims[dead] = (this.#victims[dead] ?? 0) + 1;
  }

  format(): string {
    return JSON.stringify({ ...this.#sums, steps: this.#steps, victims: this.#victims });
  }
}

async function runRounds(scene: KillScene, deaths: readonly (readonly Victim[])[], sums: RoundSums): Promise<void> {
  const { seed } = scene.random;
  let next = new Writer(scene, `${seed}/0`);
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const writer = next;
      const victims = deaths[round % deaths.length] ?? [];
      // The next one connects while this one writes, unless what it connects to is about to die.
      const isAlone = victims.length === 1 && victims[0] === "client";
      const spawnNext = () => new Writer(scene, `${seed}/${round + 1}`);
      if (isAlone) next = spawnNext();
      const report = await runKillRound(scene, { writer, prefix: `${seed}/${round}`, victims });
      if (!isAlone) next = spawnNext();
      sums.add(report, { step: writer.step, victims });
      if (sums.rounds % ROUNDS_PER_LINE === 0) console.log(`${scene.database.engine}: ${sums.format()}`);
    }
  } finally {
    await next.kill();
  }
}

const engines: readonly ApplicationEngine[] = ["sqlite", "postgres", "mariadb"];
for (const engine of engines) {
  const missing = await whyEngineIsMissing(engine);
  describe.skipIf(missing !== undefined)(`client, node and database die in coupled commits${reasonOf(missing)}`, () => {
    it(
      `and files and rows of ${engine} agree each time`,
      async () => {
        const folder = mkdtempSync(join(tmpdir(), "koboldfs-coupled-"));
        const random = seededRandom(`coupled kills with ${engine}`);
        const sums = new RoundSums();
        await withCluster({ nodes: 3, engine: "sqlite" }, async (cluster) => {
          const database = await openDatabase(engine, folder);
          const application = await openApplication(engine, database.dsn);
          const servers = cluster.nodes.map(({ url }) => url);
          const pool = new ClientPool({ servers, ...(cluster.secret !== undefined && { token: cluster.secret }) });
          try {
            const canDie = DEATHS.filter((victims) => engine === "postgres" || !victims.includes("database"));
            await runRounds({ cluster, database, application, pool, random }, canDie, sums);
            expect(sums.rounds).toBe(ROUNDS);
          } finally {
            console.log(`coupled kills with ${engine}, seed ${random.seed}: ${sums.format()}`);
            await pool.close();
            await application.close();
            await database.drop();
          }
        });
        rmSync(folder, { recursive: true });
      },
      ROUNDS * ROUND_LIMIT_MS,
    );
  });
}
