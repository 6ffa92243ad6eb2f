import { parseFileKey } from "@koboldfs/protocol";
import { describe, expect, it } from "vitest";
import { NAMESPACE, putOf } from "../../model/test-changes.js";
import { silentLogger } from "../../runtime/logger.js";
import type { CatalogHarness } from "./catalog-harness.js";
import { checkJournal, countPuts } from "./journal-check.js";
import { startLockHolder } from "./lock-holder.js";
import { doneOf, withCatalog } from "./test-cluster-catalog.js";

export function describeFrozenHolderConformance(harness: CatalogHarness): void {
  describe("a process that holds the journal's lock and is stopped", () => {
    if (!harness.breaksFrozenLocks) return describeUnbreakable(harness);

    it("loses the lock to the others within the time that they wait for it, and changes nothing when it goes on", () =>
      withCatalog(harness, async (reader, { database, open }) => {
        await using holder = await startLockHolder(database.dsn, "raw");
        holder.freeze();
        const failures: string[] = [];
        const logger = { ...silentLogger, debug: (_: object, message: string) => failures.push(message) };
        const catalog = await open({ logger });
        // The engine lets a commit wait 4 s for the lock: that no attempt failed says that it was free before.
        const { version } = doneOf(await catalog.commit(putOf("a")));
        expect(failures).toEqual([]);
        expect(await holder.thaw()).toMatchObject({ committed: false });
        expect(await reader.head()).toMatchObject({ number: version });
        await checkJournal(reader);
      }));

    it("commits its own group once when it goes on, though the others went past it", () =>
      withCatalog(harness, async (reader, { database }) => {
        await using holder = await startLockHolder(database.dsn, "catalog");
        holder.freeze();
        const { version } = doneOf(await reader.commit(putOf("a")));
        const answer = await holder.thaw();
        expect(answer).toMatchObject({ committed: true });
        expect(answer.version).toBeGreaterThan(version);
        expect(await reader.findFile(NAMESPACE, parseFileKey("held"))).toMatchObject({ version: answer.version });
        expect(countPuts(await checkJournal(reader), "held")).toBe(1);
      }));
  });
}

/** The lock is the operating system's and belongs to the process: nobody else can break it. */
function describeUnbreakable(harness: CatalogHarness): void {
  it("makes the others say commit_contended, and they go on when it does", () =>
    withCatalog(harness, async (reader, { database, open }) => {
      await using holder = await startLockHolder(database.dsn, "catalog");
      holder.freeze();
      const catalog = await open({ deadlineMs: 500 });
      await expect(catalog.commit(putOf("a"))).rejects.toMatchObject({ code: "commit_contended" });
      expect(await catalog.findFile(NAMESPACE, parseFileKey("a"))).toBeUndefined();
      const answer = await holder.thaw();
      expect(answer).toMatchObject({ committed: true });
      expect(doneOf(await catalog.commit(putOf("a"))).version).toBe((answer.version ?? 0) + 1);
      expect(countPuts(await checkJournal(reader), "held")).toBe(1);
    }));
}
