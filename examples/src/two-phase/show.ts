import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ClientPool } from "@koboldfs/client";
import pg from "pg";
import { startSurroundings } from "../surroundings.js";
import { STEPS } from "./coordinator.js";

/** Lets the coordinator die at each of its steps, and shows what the next run makes of it: `npm run example:two-phase`. */
const MAIN = fileURLToPath(new URL("./main.js", import.meta.url));

console.log("Starting a PostgreSQL and a cluster of three nodes…");
const surroundings = await startSurroundings();
const { databaseUrl, servers } = surroundings;
const folder = await mkdtemp(join(tmpdir(), "koboldfs-decisions-"));
const rows = new pg.Pool({ connectionString: databaseUrl });
const files = new ClientPool({ servers });

async function runMain(order: readonly number[], dieAt?: string): Promise<void> {
  const env = {
    ...process.env,
    ...{ DATABASE_URL: databaseUrl, KOBOLDFS_SERVERS: servers.join(","), DECISIONS: join(folder, "decisions.log") },
    ...(dieAt !== undefined && { DIE_AT: dieAt }),
  };
  const child = spawn(process.execPath, [MAIN, ...order.map(String)], { env, stdio: "inherit" });
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  if (dieAt === undefined ? code !== 0 : signal !== "SIGKILL") throw new Error(`it ended with ${code ?? signal}`);
}

try {
  await rows.query("create table orders (id integer primary key)");
  await files.client("invoices").createNamespace();
  for (const [order, step] of STEPS.entries()) {
    await runMain([order], step);
    await runMain([]);
    const row = (await rows.query("select id from orders where id = $1", [order])).rowCount === 1;
    const file = (await files.client("invoices").stat(`${order}.txt`)) !== undefined;
    console.log(`died when ${step}: ${row ? "a row" : "no row"}, ${file ? "an invoice" : "no invoice"}`);
    if (row !== file) process.exitCode = 1;
  }
  await runMain([STEPS.length]);
  const prepared = (await rows.query("select gid from pg_prepared_xacts")).rowCount ?? 0;
  let held = 0;
  for await (const _ of files.listTransactions({ state: "prepared" })) held += 1;
  console.log(`left prepared: ${prepared} in PostgreSQL, ${held} in KoboldFS`);
  if (prepared + held > 0) process.exitCode = 1;
} finally {
  await files.close();
  await rows.end();
  await surroundings.stop();
  await rm(folder, { recursive: true });
}
