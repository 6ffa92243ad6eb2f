import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { contentOf, digestOf, NAMESPACE, nodeId, putOf, setNodeOf, transactionRef } from "../../model/test-changes.js";
import { ModelCatalog } from "../../model/test-model-catalog.js";
import { createQueryBuilder, type SqlDialect } from "./dialect.js";
import { buildMigrationsTable, MIGRATIONS } from "./migrations.js";
import { mysqlDialect } from "./mysql/mysql-dialect.js";
import { postgresDialect } from "./postgres/postgres-dialect.js";
import { formatDebtSpot } from "./queries/debt-queries.js";
import { type CatalogQueries, createCatalogQueries } from "./queries/catalog-queries.js";
import type { SqlStatement } from "./sql-connection.js";
import { sqliteDialect } from "./sqlite/sqlite-dialect.js";

const FILE = { namespace: NAMESPACE, ...contentOf("x"), key: putOf("a").key, version: 1, modified: new Date(0) };
const DEBT = { node: nodeId(1), namespace: NAMESPACE, digest: digestOf("x"), sizeBytes: 1, copies: 1, number: 1 };
const NAMESPACE_ROW = { name: NAMESPACE, policy: { minCopies: 1 }, files: 0, bytes: 0n, createdMs: 0, horizon: 0 };
const NODE_ROW = { ...setNodeOf(1).node, joinedAt: 1, backfillPosition: 0 };
const RANGE = { namespace: NAMESPACE, from: "a", isFromIncluded: true, to: "b", limit: 1 };
const OWED = { by: [nodeId(1), nodeId(2)], atLeast: 2, notBy: nodeId(3) };
const FORMER = { ...FILE, supersededBy: 2, supersededMs: 0 };
const AS_OF = { number: 1, timeMs: 0 };
const TRANSACTION = {
  ...({ ...transactionRef(1), state: "open", begunMs: 0, ttlMs: 1, expiresMs: 1 } as const),
  ...{ changes: 0, stagedBytes: 0, steps: 0, entryBytes: 0, usage: {} },
};
const STAGED = { ...FILE, transaction: TRANSACTION.id, kind: "put" as const, placedOn: [nodeId(1)], stagedAt: 1 };
const GROUP_ROW = { last: 1, first: 1, hash: Buffer.alloc(32), bytes: Buffer.alloc(0), time_ms: 0 };
const WEBHOOK = { id: "w", url: "http://w", namespace: NAMESPACE, prefix: "p", number: 1 };
const AT_GROUP = { at_number: 1, at_hash: Buffer.alloc(32) };
const CLAIM = { name: "l", holder: "h", ttlMs: 1 };

function planGroup() {
  const catalog = new ModelCatalog();
  catalog.commit([setNodeOf(1)]);
  const [group] = catalog.groups;
  if (group === undefined) throw new Error("no group was planned");
  return group;
}

function listStatements({
  cluster,
  copies,
  debts,
  epochs,
  files,
  journal,
  namespaces,
  nodes,
}: CatalogQueries): SqlStatement[] {
  const group = planGroup();
  return [
    ...[cluster.lock({}), cluster.readHead({}), cluster.findHead({}), cluster.findClusterId({})],
    cluster.moveHead({ number: 1, hash: Buffer.alloc(32), timeMs: 0 }),
    cluster.create({ clusterId: "c", genesis: Buffer.alloc(32) }),
    ...[files.find([FILE]), files.find([FILE, FILE]), files.put([FILE, FILE]), files.remove([FILE, FILE])].flat(),
    ...[files.list(RANGE, {}), files.list({ ...RANGE, isFromIncluded: false, to: undefined }, {})],
    ...[
      namespaces.find([NAMESPACE]),
      namespaces.list({}),
      namespaces.put([NAMESPACE_ROW]),
      namespaces.remove([NAMESPACE]),
    ].flat(),
    ...[nodes.list({}), nodes.put([NODE_ROW], 0), nodes.heartbeat({ id: "n", freeBytes: 0, totalBytes: 0 })].flat(),
    nodes.moveBackfill({ id: "n", position: 1 }),
    ...[debts.add([DEBT]), debts.addMissing([]), debts.remove([DEBT, DEBT])].flat(),
    ...[debts.list({ node: "n", limit: 1, skip: 0 }), debts.count({}), debts.listAll(formatDebtSpot(DEBT, 1))],
    ...debts.listOwedBy(nodeId(1), [DEBT, DEBT]),
    ...[copies.countOwed(OWED), copies.listOwed(OWED, 1), copies.countBlobs({})],
    copies.listBlobs({ digest: Buffer.alloc(32), namespace: "", until: Buffer.alloc(32), limit: 1 }),
    ...journal.insertEntries(group),
    journal.insertGroup({ last: 1, first: 1, hash: Buffer.alloc(32), bytes: Buffer.alloc(0), timeMs: 0 }),
    ...journal.insertGroups([GROUP_ROW, GROUP_ROW]),
    journal.listGroups({ after: 0, limit: 1 }),
    journal.findGroupHash({ last: 1 }),
    journal.listBlobs({ after: 0, until: 1, limit: 1 }),
    ...[
      epochs.find({}),
      epochs.remove({ epoch: 1 }),
      epochs.insert({ epoch: 1, number: 1, hash: Buffer.alloc(32), timeMs: 0 }),
    ],
    ...[journal.findGroupOf({ number: 1 }), journal.findGroupAt({ timeMs: 1 })],
    ...[journal.removeEntries([{ number: 1 }]), journal.removeTombstones([{ number: 1 }])].flat(),
  ];
}

/** Of what names were before, and of what is done later. */
function listLaterStatements({
  files,
  leases,
  locks,
  outcomes,
  purges,
  references,
  staged,
  transactions,
  versions,
}: CatalogQueries): SqlStatement[] {
  const record = { groupId: "g", timeMs: 0, outcomes: [], recorded: [] };
  return [
    ...[files.findLive([FILE]), [files.listAsOf(RANGE, AS_OF), files.listSince(RANGE, AS_OF)]].flat(),
    files.listExpired({ limit: 1 }),
    ...[versions.put([FORMER]), versions.remove([FORMER]), versions.find([FORMER]), versions.findNewest([FILE])].flat(),
    versions.listOfKey({ namespace: NAMESPACE, key: "a", before: 2, horizon: 0, limit: 1 }),
    versions.findAsOf({ namespace: NAMESPACE, key: "a", number: 1 }),
    ...[versions.listAsOf(RANGE, AS_OF), versions.listStoredAsOf(RANGE, AS_OF)],
    versions.listDeleted(RANGE, { horizon: 0 }),
    versions.listEnded({ namespace: NAMESPACE, horizon: 1, limit: 1 }),
    versions.findNextNamespace({ after: "" }),
    versions.count(),
    ...references.listReferenced([FILE, FILE]),
    references.listNames(DEBT, 1),
    references.checkReference({ namespace: NAMESPACE, digest: Buffer.alloc(32) }),
    ...[purges.add([DEBT]), purges.findOfBlobs([DEBT])].flat(),
    purges.listOpen({ node: "n", limit: 1 }),
    purges.end({ node: "n", namespace: NAMESPACE, digest: Buffer.alloc(32), number: 1 }),
    ...[purges.listPending({ after: 0, until: 1 }), purges.removeOld({ olderThanMs: 1 })],
    ...[leases.renew(CLAIM), leases.claim(CLAIM), leases.release(CLAIM)],
    ...[outcomes.findRecorded(["k"]), outcomes.record(record), outcomes.remove([{ id: "i" }])].flat(),
    ...outcomes.restore(record),
    outcomes.insertVoid({ id: "i" }),
    outcomes.listOld({ olderThanMs: 1, limit: 1 }),
    ...listTransactionStatements({ locks, staged, transactions }),
  ];
}

type TransactionQueries = Pick<CatalogQueries, "locks" | "staged" | "transactions">;

function listTransactionStatements({ locks, staged, transactions }: TransactionQueries): SqlStatement[] {
  return [
    ...[transactions.put([TRANSACTION]), transactions.find([TRANSACTION.id])].flat(),
    ...[transactions.listUnfinished({}), transactions.listReserving({})],
    transactions.list({ after: "", limit: 1 }),
    ...[transactions.listInState({ state: "open", after: "", limit: 1 }), transactions.listExpired({ limit: 1 })],
    ...[transactions.renew({ id: "t" }), transactions.listForgettable({ olderThanMs: 1, limit: 1 })],
    ...transactions.remove([{ id: "t" }]),
    ...[locks.lockStaged({ id: "t" }), locks.unlock({ id: "t" }), locks.findOf({ id: "t" })],
    ...locks.find([FILE, FILE]),
    locks.findFrom({ namespace: NAMESPACE, from: "a" }),
    ...[staged.put([STAGED, STAGED]), staged.find([STAGED, STAGED])].flat(),
    ...[staged.listOf({ id: "t" }), staged.listFirstOf({ id: "t", limit: 1 }), staged.list(RANGE, { id: "t" })],
    ...[staged.removeOf({ id: "t" }), staged.listFilesOf({ id: "t" }), staged.listNamespacesOf({ id: "t" })],
    staged.countPlacedOn({ pattern: "%n%" }),
  ];
}

function listWebhookStatements({ webhooks }: CatalogQueries): SqlStatement[] {
  return [
    ...[[webhooks.list({})], webhooks.put([WEBHOOK]), webhooks.remove(["w"])].flat(),
    webhooks.noteProgress({ id: "w", position: 1, failures: 1, error: "e", delivered_ms: null, ...AT_GROUP }),
  ];
}

function renderSql(dialect: SqlDialect): string {
  const db = createQueryBuilder(dialect);
  const migrations = [buildMigrationsTable(db, dialect), ...MIGRATIONS.map((step) => step.build(db, dialect))];
  const queries = createCatalogQueries(dialect);
  const texts = [
    ...migrations.map((step) => step.compile().sql),
    ...[listStatements, listLaterStatements, listWebhookStatements].flatMap((list) =>
      list(queries).map((one) => one.sql),
    ),
  ];
  return `${texts.map((text) => `${text.trim()};`).join("\n\n")}\n`;
}

it.each(Object.entries({ sqlite: sqliteDialect, postgres: postgresDialect, mysql: mysqlDialect }))(
  "says in %s what the golden file shows",
  async (name, dialect) => {
    // Tests run from dist; the golden files are sources.
    const golden = new URL(`../../../src/catalog/sql/golden/${name}.sql`, import.meta.url);
    await expect(renderSql(dialect)).toMatchFileSnapshot(fileURLToPath(golden));
  },
);
