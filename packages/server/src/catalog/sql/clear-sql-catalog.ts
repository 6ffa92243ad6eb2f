import { createQueryBuilder } from "./dialect.js";
import { type PlainSessionOptions, withPlainSession } from "./open-plain-session.js";
import { compileQuery } from "./prepared-query.js";
import type { CatalogTables } from "./schema.js";

/** Every table, in the order in which they go. An object, so that the compiler notices one that is missing here. */
const TABLES: Readonly<Record<keyof CatalogTables, true>> = {
  ...{ journal: true, journal_groups: true, files: true, versions: true, purges: true, commits: true },
  ...{ namespaces: true, nodes: true, debts: true, leases: true, webhooks: true },
  ...{ locks: true, staged: true, transactions: true },
  // Whoever finds these knows that there is, or was, a catalog.
  ...{ epochs: true, cluster: true, migrations: true },
};

/** Throws a catalog away, with everything in it; nobody may work with it. The next who opens it makes a new one. */
export async function clearSqlCatalog(options: PlainSessionOptions): Promise<void> {
  await withPlainSession(options, async ({ connection, dialect }) => {
    const db = createQueryBuilder(dialect);
    // If this dies in its midst, the next who opens what is left makes the tables that are gone.
    await connection.run(compileQuery(db.deleteFrom("migrations")));
    for (const table of Object.keys(TABLES)) await connection.run(compileQuery(db.schema.dropTable(table).ifExists()));
  });
}
