import { ClientPool } from "@koboldfs/client";
import pg from "pg";
import { Coordinator, type Step } from "./coordinator.js";
import { DecisionLog } from "./decision-log.js";

/**
 * One order: its row in PostgreSQL and its invoice in KoboldFS, committed together. Before that it recovers what an earlier
 * run left behind. Reads DATABASE_URL, KOBOLDFS_SERVERS (comma) and DECISIONS, the path of its log; the argument is the number
 * of the order. With DIE_AT, a step, it kills itself there.
 */
const { DATABASE_URL = "", KOBOLDFS_SERVERS = "", DECISIONS = "decisions.log", DIE_AT } = process.env;
const [order] = process.argv.slice(2);

function dieAt(step: Step): void {
  if (step === DIE_AT) process.kill(process.pid, "SIGKILL");
}

const rows = new pg.Pool({ connectionString: DATABASE_URL });
const files = new ClientPool({ servers: KOBOLDFS_SERVERS.split(",") });
const log = await DecisionLog.open(DECISIONS);
const coordinator = new Coordinator({ name: "orders", files, rows, log, onStep: dieAt });

const { committed, aborted } = await coordinator.recover();
console.log(`recovered: ${committed.length} committed, ${aborted.length} aborted`);
if (order !== undefined) {
  await coordinator.run(async ({ tx, sql }) => {
    await sql.query("insert into orders (id) values ($1)", [Number(order)]);
    await tx.client("invoices").put(`${order}.txt`, Buffer.from(`Order ${order}`));
  });
  console.log(`order ${order} is there, with its invoice`);
}
await log.close();
await files.close();
await rows.end();
