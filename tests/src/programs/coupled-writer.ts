import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { ClientPool } from "@koboldfs/client";
import { type ApplicationEngine, openApplication } from "../coupled/application.js";
import { type CoupledStep, watchSteps } from "../coupled/coupled-step.js";
import { SeededRandom } from "../harness/random.js";

/**
 * Writes documents as files and rows, several at once, until it is killed. Connects, prints `ready`, and begins with the
 * first line that it gets. When one of them comes to `step` for the so-many-th time it prints `reached` and waits there a
 * moment, to be killed. What fails is printed, one line each.
 *
 * Arguments: engine and DSN of the application's database, servers (comma), token, namespace, prefix of keys, seed, step,
 * which of those that come to it.
 */
const WRITERS = 8;
const SHARED = 12;
const MAX_BODY = 1_500;
/** What is left open must not fill the cluster; a transaction here takes some milliseconds. */
const TTL_MS = 5_000;
const PAUSE_AFTER_FAILURE_MS = 20;
const WAIT_TO_BE_KILLED_MS = 50;

const [engine, dsn = "", servers = "", token = "", namespace = "", prefix = "", ...chance] = process.argv.slice(2);
const [seed, step, which] = chance;
let reachedTimes = 0;
const { adapter } = await openApplication(engine as ApplicationEngine, dsn);
const pool = new ClientPool({ servers: servers.split(","), ...(token !== "" && { token }), deadlineMs: 3_000 });
await pool.client(namespace).stat("nothing");
process.stdout.write("ready\n");
await once(process.stdin, "data");
await Promise.all(Array.from({ length: WRITERS }, (_, writer) => writeFor(writer)));

async function reach(reached: CoupledStep): Promise<void> {
  if (reached !== step) return;
  reachedTimes += 1;
  if (reachedTimes !== Number(which)) return;
  process.stdout.write("reached\n");
  await sleep(WAIT_TO_BE_KILLED_MS);
}

async function writeFor(writer: number): Promise<never> {
  const random = new SeededRandom(Number(seed) + writer);
  for (let number = 0; ; number += 1) {
    const own = `${prefix}/${writer}/${number}`;
    const keys = [own, `shared/${random.between(0, SHARED)}`];
    const body = `${own} `.repeat(random.between(1, Math.floor(MAX_BODY / (own.length + 1))));
    const changesItsMind = random.between(0, 8) === 0;
    try {
      await pool.withDatabase(
        watchSteps(adapter, reach),
        async ({ tx, sql }) => {
          await reach("begun");
          for (const key of keys) {
            await tx.client(namespace).put(key, Buffer.from(body));
            await sql(key, body);
          }
          await reach("staged");
          if (changesItsMind) throw new Error("changed my mind");
        },
        { ttlMs: TTL_MS },
      );
      await reach("files-committed");
    } catch (thrown) {
      const { name, code, message } = thrown as Error & { code?: string };
      process.stdout.write(`${name} ${code ?? message}\n`);
      await sleep(PAUSE_AFTER_FAILURE_MS);
    }
  }
}
