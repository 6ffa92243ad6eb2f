import { join } from "node:path";
import { findTestServer } from "@koboldfs/tools";

export type CatalogEngine = "sqlite" | "postgres" | "mariadb";

/** An empty catalog of one test. */
export interface TestCatalog {
  readonly dsn: string;
  drop(): Promise<void>;
}

/** A file in `folder`, or a fresh database in the run's shared server. Throws when that engine cannot run here. */
export async function createTestCatalog(engine: CatalogEngine, folder: string): Promise<TestCatalog> {
  if (engine === "sqlite") return { dsn: `sqlite:${join(folder, "catalog.sqlite")}`, drop: async () => {} };
  const server = await findTestServer(engine);
  if ("skip" in server) throw new Error(server.skip);
  const database = await server.createDatabase();
  return { dsn: database.url, drop: () => database.drop() };
}

/** A catalog that the test has made, and drops itself. */
export function givenCatalog(dsn: string): TestCatalog {
  return { dsn, drop: async () => {} };
}

/** Why the engine cannot run on this machine, or undefined when it can. */
export async function whyEngineIsMissing(engine: CatalogEngine): Promise<string | undefined> {
  if (engine === "sqlite") return undefined;
  const server = await findTestServer(engine);
  return "skip" in server ? server.skip : undefined;
}

/** For the end of a test's name: a skip tells why. */
export function reasonOf(missing: string | undefined): string {
  return missing === undefined ? "" : ` (skipped: ${missing})`;
}
