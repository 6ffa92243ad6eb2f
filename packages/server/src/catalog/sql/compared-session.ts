import type { KnownHistory } from "../../model/commit-view.js";
import type { CatalogQueries } from "./queries/catalog-queries.js";
import { parseFoundHead } from "./queries/cluster-queries.js";
import type { SqlConnection } from "./sql-connection.js";

/** Who knows what was committed, and hears of a database that may lack some of it. */
export interface HistoryKeeper {
  /** A reader process has to ask its node process. */
  known(): KnownHistory | undefined | Promise<KnownHistory | undefined>;
  noteDoubt?(): void;
}

export interface ComparedSessionParts {
  readonly connect: () => Promise<SqlConnection>;
  readonly queries: CatalogQueries;
  readonly witness: HistoryKeeper | undefined;
}

/**
 * A session that was compared with what this node knows to be committed, before anything is read in it: it may lead to a standby
 * that was promoted without the last commits, or to a database that another one took the place of.
 */
export async function openComparedSession({ connect, queries, witness }: ComparedSessionParts): Promise<SqlConnection> {
  // First what is known: a catalog that is asked later must have it.
  const known = await witness?.known();
  const session = await connect();
  if (known === undefined || witness?.noteDoubt === undefined) return session;
  try {
    const [row] = (await session.run(queries.cluster.findHead({}))).rows;
    const head = row && parseFoundHead(row);
    const isWhole = head !== undefined && head.epoch >= known.epoch && head.number >= known.number;
    const isForked = isWhole && head.number === known.number && head.hash !== known.hash;
    if (!isWhole || isForked) witness.noteDoubt();
    return session;
  } catch (error) {
    session.destroy();
    throw error;
  }
}
