import { parseFileKey } from "@koboldfs/protocol";
import { describe, expect, it } from "vitest";
import { deleteOf, NAMESPACE, putOf } from "../../model/test-changes.js";
import { silentLogger } from "../../runtime/logger.js";
import type { CatalogHarness } from "./catalog-harness.js";
import { FaultPlan } from "./fault-plan.js";
import { checkJournal, countPuts } from "./journal-check.js";
import { codeOf, doneOf, withCatalog } from "./test-cluster-catalog.js";

/** More than a commit has statements; reaching it means that the faults never ended. */
const MAX_STATEMENTS = 60;

export function describeContentionConformance(harness: CatalogHarness): void {
  describe("contention", () => {
    it("lets exactly one of several nodes create a key with If-None-Match: *", () =>
      withCatalog(harness, async (catalog, { open }) => {
        const catalogs = [catalog, await open(), await open()];
        for (let round = 0; round < 10; round += 1) {
          const put = putOf(`k${round}`, "x", { precondition: { ifNoneMatch: "*" } });
          const outcomes = await Promise.all(catalogs.map((one) => one.commit(put)));
          expect(outcomes.map(codeOf).sort()).toEqual(["ok", "precondition_failed", "precondition_failed"]);
        }
      }));

    it("keeps the journal gap-free, chained and in step with the files while several nodes commit at once", () =>
      withCatalog(harness, async (catalog, { open }) => {
        const catalogs = [catalog, await open(), await open()];
        const work = catalogs.flatMap((one, node) =>
          Array.from({ length: 30 }, (_, index) => [
            one.commit(putOf(`${index % 10}`, `${node} ${index}`)),
            one.commit(deleteOf(`${index % 7}`)),
          ]).flat(),
        );
        const outcomes = await Promise.all(work);
        const entries = await checkJournal(catalog);
        expect(entries).toHaveLength(2 + outcomes.filter((outcome) => outcome.ok).length);
        const versions = outcomes.flatMap((outcome) => (outcome.ok ? [outcome.version] : []));
        expect(new Set(versions).size).toBe(versions.length);
        const { files } = await catalog.listFiles(NAMESPACE, { limit: 1000 });
        const last = new Map(entries.flatMap((entry) => ("key" in entry ? [[entry.key, entry] as const] : [])));
        const live = [...last.values()].filter((entry) => entry.kind === "put");
        expect(files.map((file) => [file.key, file.version])).toEqual(
          live
            .map((entry) => [entry.key, entry.number])
            .toSorted(([left = ""], [right = ""]) => (left < right ? -1 : 1)),
        );
        const bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
        expect(await catalog.findNamespace(NAMESPACE)).toMatchObject({ files: files.length, bytes: `${bytes}` });
      }));

    it("tries again when the engine rolls back at any statement, and at COMMIT", () =>
      withCatalog(harness, async (reader, { open }) => {
        const faults = new FaultPlan();
        const catalog = await open({ faults });
        const seen: string[] = [];
        for (let at = 0; at < MAX_STATEMENTS; at += 1) {
          faults.arm("contend", at);
          doneOf(await catalog.commit(putOf(`k${at}`, "x", { idempotency: { key: `i${at}`, fingerprint: "f" } })));
          faults.disarm();
          if (faults.fired === undefined) break;
          seen.push(faults.fired);
        }
        expect(seen.length).toBeGreaterThan(8);
        expect(seen.at(-1)).toBe("commit");
        const entries = await checkJournal(reader);
        for (let at = 0; at <= seen.length; at += 1) expect(countPuts(entries, `k${at}`)).toBe(1);
      }));

    if (harness.isNetwork) describeDeadlock(harness);

    it("gives up with commit_contended when the engine never lets it through, and nothing is committed", () =>
      withCatalog(harness, async (reader, { open }) => {
        const faults = new EndlessContention();
        const catalog = await open({ faults });
        await expect(catalog.commit(putOf("a"))).rejects.toMatchObject({ code: "commit_contended" });
        faults.disarm();
        expect(await reader.findFile(NAMESPACE, parseFileKey("a"))).toBeUndefined();
        doneOf(await catalog.commit(putOf("b")));
        await checkJournal(reader);
      }));
  });
}

/** SQLite has one lock, and nothing to wait for in a circle. */
function describeDeadlock(harness: CatalogHarness): void {
  it("survives a real deadlock with another program, whichever of the two the engine throws out", () =>
    withCatalog(harness, async (reader, { database, open }) => {
      const pause = new Pause();
      const failures: string[] = [];
      const logger = { ...silentLogger, debug: (_: object, message: string) => failures.push(message) };
      const catalog = await open({ faults: pause, logger });
      await using other = await database.openSession();
      await other.run("begin");
      await other.run("update namespaces set files = files where name = 'demo'");
      pause.arm("wait", /^insert .*namespaces/);
      const commit = catalog.commit(putOf("a"));
      await pause.reached;
      // The commit holds the journal's lock and now wants the namespace; the other holds that and wants the lock.
      const theirs = Promise.allSettled([other.run("update cluster set lock_count = lock_count + 1 where id = 1")]);
      pause.goOn();
      const [result] = await theirs;
      expect(result?.status === "rejected" || failures.length > 0).toBe(true);
      await other.run("rollback");
      doneOf(await commit);
      expect(countPuts(await checkJournal(reader), "a")).toBe(1);
    }));
}

/** Stops a commit at a statement until the test lets it go on. */
class Pause extends FaultPlan {
  #reach: () => void = () => {};
  #goOn: () => void = () => {};
  readonly reached = new Promise<void>((resolve) => {
    this.#reach = resolve;
  });
  readonly #isOver = new Promise<void>((resolve) => {
    this.#goOn = resolve;
  });

  goOn(): void {
    this.#goOn();
  }

  override wait(): Promise<void> {
    this.#reach();
    return this.#isOver;
  }
}

/** Contends at the lock each time. */
class EndlessContention extends FaultPlan {
  #isOver = false;

  override disarm(): void {
    this.#isOver = true;
  }

  override next(sql: string) {
    return !this.#isOver && sql.startsWith("update") && sql.includes("lock_count") ? ("contend" as const) : undefined;
  }
}
