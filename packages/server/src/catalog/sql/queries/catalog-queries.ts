import { createQueryBuilder, type SqlDialect } from "../dialect.js";
import { createClusterQueries } from "./cluster-queries.js";
import { createCopyQueries } from "./copy-queries.js";
import { createDebtQueries } from "./debt-queries.js";
import { createEpochQueries } from "./epoch-queries.js";
import { createFileQueries } from "./file-queries.js";
import { createBlobIndexQueries, createJournalQueries } from "./journal-queries.js";
import { createLeaseQueries } from "./lease-queries.js";
import { createLockQueries } from "./lock-queries.js";
import { createNamespaceQueries } from "./namespace-queries.js";
import { createNodeQueries } from "./node-queries.js";
import { createOutcomeQueries } from "./outcome-queries.js";
import { createPurgeQueries } from "./purge-queries.js";
import { createReferenceQueries } from "./reference-queries.js";
import { createStagedQueries } from "./staged-queries.js";
import { createTransactionQueries } from "./transaction-queries.js";
import { createVersionQueries } from "./version-queries.js";
import { createVersionRanges } from "./version-ranges.js";
import { createWebhookQueries } from "./webhook-queries.js";

/** Every statement that the catalog ever runs, but for migrations; made once for a dialect, compiled on first use. */
export type CatalogQueries = ReturnType<typeof createCatalogQueries>;

export function createCatalogQueries(dialect: SqlDialect) {
  const db = createQueryBuilder(dialect);
  return {
    blobIndex: createBlobIndexQueries(db, dialect),
    cluster: createClusterQueries(db, dialect),
    copies: createCopyQueries(db),
    debts: createDebtQueries(db, dialect),
    epochs: createEpochQueries(db, dialect),
    files: createFileQueries(db, dialect),
    journal: createJournalQueries(db),
    leases: createLeaseQueries(db, dialect),
    locks: createLockQueries(db, dialect),
    namespaces: createNamespaceQueries(db, dialect),
    nodes: createNodeQueries(db, dialect),
    outcomes: createOutcomeQueries(db, dialect),
    purges: createPurgeQueries(db, dialect),
    references: createReferenceQueries(db),
    staged: createStagedQueries(db, dialect),
    transactions: createTransactionQueries(db, dialect),
    webhooks: createWebhookQueries(db, dialect),
    versions: { ...createVersionQueries(db), ...createVersionRanges(db) },
  };
}
