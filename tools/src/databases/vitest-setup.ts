import { createServer } from "node:http";
import { once } from "node:events";
import type { TestProject } from "vitest/node";
import { bundleCommand, isBundleOld } from "../bundle/bundle-command.js";
import type { DatabaseEngine, DatabaseServerOrSkip } from "./database-server.js";
import { startMariadb } from "./mariadb.js";
import { startPostgres } from "./postgres.js";
import "./vitest-context.js";

const STARTERS = { postgres: startPostgres, mariadb: startMariadb };

/**
 * Vitest's global setup: a small broker in the main process that starts each database server when a test first asks
 * for it, so that a run of tests without databases starts none, and a whole run starts each once. The command that tests
 * run is bundled again when it is older than what `tsc` wrote.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (await isBundleOld()) await bundleCommand();
  const started = new Map<DatabaseEngine, Promise<DatabaseServerOrSkip>>();
  const start = (engine: DatabaseEngine) => {
    const running = started.get(engine) ?? STARTERS[engine]();
    started.set(engine, running);
    return running;
  };
  const broker = createServer((request, response) => {
    const engine = request.url === "/postgres" ? "postgres" : "mariadb";
    start(engine).then(
      (server) => response.end(JSON.stringify("skip" in server ? server : { url: server.url })),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  }).listen(0, "127.0.0.1");
  await once(broker, "listening");
  const address = broker.address();
  if (address === null || typeof address === "string") throw new Error("the broker has no port");
  project.provide("databaseBroker", `http://127.0.0.1:${address.port}`);
  return async () => {
    broker.close();
    broker.closeAllConnections();
    await Promise.all([...started.values()].map(stopServer));
  };
}

async function stopServer(starting: Promise<DatabaseServerOrSkip>): Promise<void> {
  const [outcome] = await Promise.allSettled([starting]);
  if (outcome.status === "fulfilled" && !("skip" in outcome.value)) await outcome.value.stop();
}
