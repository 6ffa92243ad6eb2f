import { parseDatabaseUrl } from "./database-url.js";
import type { NetworkEngine } from "./network-engine.js";

/** Loads the driver that a dsn asks for, and no other: each is a hundred files that a start need not wait for. */
export async function loadNetworkEngine(scheme: "mysql" | "postgres", dsn: string): Promise<NetworkEngine> {
  const url = parseDatabaseUrl(dsn);
  if (scheme === "mysql") {
    const { createMysqlEngine } = await import("./mysql/mysql-engine.js");
    return createMysqlEngine(url);
  }
  const { createPostgresEngine } = await import("./postgres/postgres-engine.js");
  return createPostgresEngine(url);
}
