import pg from "pg";
import type { Cluster } from "./cluster.js";

/** A PostgreSQL catalog is gone from under the nodes, as when its machine burnt down. */
export async function dropCatalog({ dsn }: Cluster): Promise<void> {
  const url = new URL(dsn);
  const name = url.pathname.slice(1);
  url.pathname = "/postgres";
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    await client.query(`drop database ${name} with (force)`);
  } finally {
    await client.end();
  }
}
