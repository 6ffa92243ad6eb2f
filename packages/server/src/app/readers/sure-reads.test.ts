import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FileKey } from "@koboldfs/protocol";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Catalog } from "../../catalog/catalog.js";
import { openSqlCatalog } from "../../catalog/sql/open-sql-catalog.js";
import type { KnownHistory } from "../../model/commit-view.js";
import { NAMESPACE, putOf, setNamespaceOf, setNodeOf } from "../../model/test-changes.js";
import { systemClock } from "../../runtime/clock.js";
import { silentLogger } from "../../runtime/logger.js";
import { SureReads } from "./sure-reads.js";

const KEY = "k" as FileKey;

let folder: string;
let dsn: string;
let catalog: Catalog;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "koboldfs-test-"));
  dsn = `sqlite:${join(folder, "catalog.sqlite")}`;
  catalog = await openSqlCatalog({ dsn, logger: silentLogger, clock: systemClock });
  const outcomes = await catalog.commitAll([setNodeOf(1), setNamespaceOf(), putOf(KEY)]);
  expect(outcomes.every(({ ok }) => ok)).toBe(true);
});
afterAll(async () => {
  await catalog.close();
  rmSync(folder, { recursive: true });
});

function open(askKnown: () => Promise<KnownHistory | undefined>, at = dsn): SureReads {
  const reads = new SureReads({ dsn: at, clock: systemClock, askKnown, log: silentLogger });
  reads.setSure(true);
  return reads;
}

const known = async () => catalog.head();

it("finds what is there, as soon as it is acknowledged", async () => {
  const reads = open(known);
  expect(await reads.findFile(NAMESPACE, KEY)).toEqual(await catalog.findFile(NAMESPACE, KEY));
  expect(await reads.findFile(NAMESPACE, "later" as FileKey)).toBeUndefined();
  await catalog.commit(putOf("later"));
  expect(await reads.findFile(NAMESPACE, "later" as FileKey)).toMatchObject({ key: "later" });
  await reads.close();
});

it("finds nothing while the node process does not trust the catalog, and is compared anew afterwards", async () => {
  let asked = 0;
  const reads = open(() => {
    asked += 1;
    return known();
  });
  expect(await reads.findFile(NAMESPACE, KEY)).toBeDefined();
  reads.setSure(false);
  expect(await reads.findFile(NAMESPACE, KEY)).toBeUndefined();
  reads.setSure(true);
  expect(await reads.findFile(NAMESPACE, KEY)).toBeDefined();
  expect(asked).toBe(2);
  await reads.close();
});

it("reads nothing in a database that lacks what the node knows", async () => {
  const { number, ...head } = await catalog.head();
  const reads = open(async () => ({ ...head, number: number + 1 }));
  expect(await reads.findFile(NAMESPACE, KEY)).toBeUndefined();
  await reads.close();
});

it("does not believe what it was reading when the node process began to doubt", async () => {
  let answer: ((known: KnownHistory) => void) | undefined;
  const reads = open(() => new Promise((resolve) => (answer = resolve)));
  const found = reads.findFile(NAMESPACE, KEY);
  await expect.poll(() => answer).toBeDefined();
  reads.setSure(false);
  reads.setSure(true);
  answer?.(await catalog.head());
  expect(await found).toBeUndefined();
  await reads.close();
});

it("gives up on a catalog that does not answer, for a while", async () => {
  const reads = open(() => new Promise(() => {}));
  const startedMs = performance.now();
  expect(await reads.findFile(NAMESPACE, KEY)).toBeUndefined();
  const waitedMs = performance.now() - startedMs;
  for (let time = 0; time < 20; time += 1) expect(await reads.findFile(NAMESPACE, KEY)).toBeUndefined();
  expect(performance.now() - startedMs).toBeLessThan(2 * waitedMs);
});

it("makes no database where there is none", async () => {
  const path = join(folder, "missing.sqlite");
  const reads = open(known, `sqlite:${path}`);
  expect(await reads.findFile(NAMESPACE, KEY)).toBeUndefined();
  expect(existsSync(path)).toBe(false);
  await reads.close();
});
