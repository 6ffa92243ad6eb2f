import { once } from "node:events";
import { putOf } from "../../model/test-changes.js";
import { FaultPlan } from "../conformance/fault-plan.js";
import type { HolderAnswer } from "../conformance/lock-holder.js";
import { createCatalogQueries } from "./queries/catalog-queries.js";
import { plainStatement } from "./sql-connection.js";
import { openTestCatalog, openTestSession } from "./test-engines.js";

/**
 * A process that takes the journal's lock, says so, waits for a line, and then tries to commit. The test stops it in
 * between with SIGSTOP, as a hypervisor or a swapping machine would.
 */
const [dsn = "", kind] = process.argv.slice(2);

async function waitForLine(): Promise<void> {
  process.stdout.write("holding\n");
  await once(process.stdin, "data");
}

async function holdRaw(): Promise<HolderAnswer> {
  const { connection, dialect } = await openTestSession(dsn);
  const queries = createCatalogQueries(dialect);
  await connection.runAll([...dialect.begin, queries.cluster.lock({})]);
  await waitForLine();
  try {
    await connection.run(queries.cluster.moveHead({ number: 999_999, hash: Buffer.alloc(32), timeMs: 0 }));
    await connection.run(plainStatement("commit"));
    return { committed: true };
  } catch (error) {
    return { committed: false, error: String(error) };
  }
}

/** Waits, once, before the first write behind the lock. */
class Pause extends FaultPlan {
  #isArmed = true;

  override next(sql: string) {
    if (!this.#isArmed || !/^insert .*commits/.test(sql)) return undefined;
    this.#isArmed = false;
    return "wait" as const;
  }

  override wait(): Promise<void> {
    return waitForLine();
  }
}

async function holdAsCatalog(): Promise<HolderAnswer> {
  const catalog = await openTestCatalog(dsn, { faults: new Pause() });
  const outcome = await catalog.commit(putOf("held"));
  await catalog.close();
  return outcome.ok
    ? { committed: true, version: outcome.version }
    : { committed: false, error: outcome.error.message };
}

const answer = kind === "raw" ? await holdRaw() : await holdAsCatalog();
process.stdout.write(`${JSON.stringify(answer)}\n`, () => process.exit(0));
