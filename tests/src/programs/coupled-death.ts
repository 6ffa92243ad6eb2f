import { setTimeout as sleep } from "node:timers/promises";
import { ClientPool } from "@koboldfs/client";
import { type ApplicationEngine, openApplication } from "../coupled/application.js";
import { type CoupledStep, watchSteps } from "../coupled/coupled-step.js";

/**
 * Writes one document as a file and as a row, and is killed at one step of that: SIGKILL, by its own hand.
 *
 * Arguments: engine and DSN of the application's database, servers (comma), token, namespace, key, step.
 */
const [engine, dsn = "", servers = "", token = "", namespace = "", key = "", step] = process.argv.slice(2);

async function reach(reached: CoupledStep): Promise<void> {
  if (reached !== step) return;
  process.kill(process.pid, "SIGKILL");
  await sleep(60_000);
}

const { adapter } = await openApplication(engine as ApplicationEngine, dsn);
const pool = new ClientPool({ servers: servers.split(","), ...(token !== "" && { token }) });
await pool.withDatabase(watchSteps(adapter, reach), async ({ tx, sql }) => {
  await reach("begun");
  await tx.client(namespace).put(key, Buffer.from(key));
  await sql(key, key);
  await reach("staged");
});
await reach("files-committed");
throw new Error(`${String(step)} was never reached`);
