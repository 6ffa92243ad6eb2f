import type { Change, ChangeDone, ChangeOutcome } from "../../model/change.js";
import { setNamespaceOf, setNodeOf } from "../../model/test-changes.js";
import type { Catalog } from "../catalog.js";
import type { CatalogHarness, HarnessDatabase, HarnessOpenOptions } from "./catalog-harness.js";

/** Runs `body` with a database of its own, and closes every catalog that it opened. */
export async function withDatabase(
  harness: CatalogHarness,
  body: (tools: {
    database: HarnessDatabase;
    open: (options?: HarnessOpenOptions) => Promise<Catalog>;
  }) => Promise<void>,
): Promise<void> {
  const database = await harness.createDatabase();
  const opened: Catalog[] = [];
  const open = async (options?: HarnessOpenOptions) => {
    const catalog = await database.open(options);
    opened.push(catalog);
    return catalog;
  };
  try {
    await body({ database, open });
  } finally {
    await Promise.all(opened.map((catalog) => catalog.close()));
    await database.drop();
  }
}

/** As `withDatabase`, with a catalog that has the namespace `demo` and node 1. */
export async function withCatalog(
  harness: CatalogHarness,
  body: (
    catalog: Catalog,
    tools: { database: HarnessDatabase; open: (options?: HarnessOpenOptions) => Promise<Catalog> },
  ) => Promise<void>,
): Promise<void> {
  await withDatabase(harness, async (tools) => {
    const catalog = await tools.open();
    await catalog.commitAll([setNamespaceOf(), setNodeOf(1)]);
    await body(catalog, tools);
  });
}

export function doneOf(outcome: ChangeOutcome | undefined): ChangeDone {
  if (outcome === undefined) throw new Error("there is no outcome");
  if (!outcome.ok) throw outcome.error;
  return outcome;
}

export function codeOf(outcome: ChangeOutcome | undefined): string {
  if (outcome === undefined) return "none";
  return outcome.ok ? "ok" : outcome.error.code;
}

/** One commit for each, in order; answers their codes. */
export async function commitEach(catalog: Catalog, ...changes: Change[]): Promise<string[]> {
  const codes: string[] = [];
  for (const change of changes) codes.push(codeOf(await catalog.commit(change)));
  return codes;
}
