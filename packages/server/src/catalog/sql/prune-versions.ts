import type { NamespaceName } from "@koboldfs/protocol";
import type { FormerVersion } from "../../model/change.js";
import type { CatalogQueries } from "./queries/catalog-queries.js";
import { parseNamespaceRow } from "./queries/namespace-queries.js";
import { parseNamespaceOf, parseVersionRow } from "./queries/version-queries.js";
import type { SqlRunner, SqlStatement } from "./sql-connection.js";

interface PruneParts {
  readonly queries: CatalogQueries;
  readonly runner: SqlRunner;
}

/**
 * Removes what the horizon has passed. No lock is needed: the horizon only moves forward, and a change that brings old
 * content back looks at it under the lock. Entries go before versions: what is left by a crash is found again.
 */
export async function pruneVersions(parts: PruneParts, limit: number): Promise<number> {
  let removed = 0;
  for (let after = ""; removed < limit; ) {
    const namespace = await findNextNamespace(parts, after);
    if (namespace === undefined) break;
    const ended = await listEnded(parts, namespace, limit - removed);
    await removeAll(parts, ended);
    removed += ended.length;
    after = namespace;
  }
  return removed;
}

async function findNextNamespace({ queries, runner }: PruneParts, after: string): Promise<NamespaceName | undefined> {
  const [row] = (await runner.run(queries.versions.findNextNamespace({ after }))).rows;
  return row && parseNamespaceOf(row);
}

/** Of a namespace that is gone, everything. */
async function listEnded({ queries, runner }: PruneParts, namespace: NamespaceName, limit: number) {
  const [statement] = queries.namespaces.find([namespace]);
  const row = statement && (await runner.run(statement)).rows[0];
  const horizon = row === undefined ? Number.MAX_SAFE_INTEGER : parseNamespaceRow(row).horizon;
  return (await runner.run(queries.versions.listEnded({ namespace, horizon, limit }))).rows.map(parseVersionRow);
}

async function removeAll({ queries, runner }: PruneParts, ended: readonly FormerVersion[]): Promise<void> {
  const entries = ended.map(({ version }) => ({ number: version }));
  const tombstones = ended.map(({ supersededBy }) => ({ number: supersededBy }));
  const statements: SqlStatement[] = [
    ...queries.journal.removeEntries(entries),
    ...queries.journal.removeTombstones(tombstones),
    ...queries.versions.remove(ended),
  ];
  for (const statement of statements) await runner.run(statement);
}
