import { inject } from "vitest";
import type { DatabaseEngine } from "./database-server.js";
import type { Skip } from "../machine/skip.js";
import { createTestDatabase, type TestDatabase } from "./test-database.js";
import "./vitest-context.js";

/** The run's shared server of one engine; every test makes its own database in it. */
export interface TestServer {
  readonly url: string;
  createDatabase(): Promise<TestDatabase>;
}

/**
 * The server of `engine` that all tests of this run share, started now if it is the first time, or why there is none.
 * To be awaited at the top of a test file, before `describe.skipIf`. PostgreSQL is never skipped.
 */
export async function findTestServer(engine: DatabaseEngine): Promise<TestServer | Skip> {
  const response = await fetch(`${inject("databaseBroker")}/${engine}`);
  const body = await response.text();
  if (!response.ok) throw new Error(`no ${engine} for the tests: ${body}`);
  const answer = JSON.parse(body) as { url: string } | Skip;
  if ("skip" in answer) return answer;
  return { url: answer.url, createDatabase: () => createTestDatabase(answer.url) };
}

/** As `findTestServer`, for PostgreSQL, which is always there: npm brings it. */
export async function getTestPostgres(): Promise<TestServer> {
  const server = await findTestServer("postgres");
  if ("skip" in server) throw new Error(server.skip);
  return server;
}
