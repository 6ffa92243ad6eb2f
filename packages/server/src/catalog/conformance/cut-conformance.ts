import { parseFileKey } from "@koboldfs/protocol";
import { describe, expect, it } from "vitest";
import { NAMESPACE, nodeId, putOf, setNodeOf } from "../../model/test-changes.js";
import type { Catalog } from "../catalog.js";
import type { CatalogHarness } from "./catalog-harness.js";
import { type Fault, FaultPlan } from "./fault-plan.js";
import { checkJournal, countPuts } from "./journal-check.js";
import { openTcpProxy } from "./tcp-proxy.js";
import { codeOf, doneOf, withCatalog } from "./test-cluster-catalog.js";

/** More than a commit has statements, or packets; reaching it means that the cuts never ended. */
const MAX_CUTS = 80;

/** Every engine's protocol ends the packet with the text of its last statement, some with NUL behind it. */
const COMMIT_PACKET = /\bcommit\0?$/;

/**
 * InnoDB refreshes what it tells of waiting transactions only when nobody looked for 100 ms: who looks more often sees the
 * first state for ever. A wait lasts seconds, until the engine ends the idle holder, so this sees it many times.
 */
const LOOK_FOR_WAITS = { timeout: 20_000, interval: 200 };

/** A commit with something of everything: files, a debt, an idempotency key, a refusal. */
async function commitMixed(catalog: Catalog, id: string): Promise<void> {
  const idempotency = { key: id, fingerprint: "f" };
  const outcomes = await catalog.commitAll([
    putOf(`${id}/a`, "a", { idempotency }),
    putOf(`${id}/b`, id, { precondition: { ifNoneMatch: "*" } }),
    putOf(`${id}/b`, id, { precondition: { ifNoneMatch: "*" } }),
    { kind: "rename", namespace: NAMESPACE, from: parseFileKey(`${id}/a`), to: parseFileKey(`${id}/c`) },
  ]);
  expect(outcomes.map(codeOf)).toEqual(["ok", "ok", "precondition_failed", "ok"]);
}

/** Nothing lost, nothing doubled, no gap: whatever was cut. */
async function checkMixed(catalog: Catalog, ids: readonly string[]): Promise<void> {
  const entries = await checkJournal(catalog);
  expect(entries).toHaveLength(3 + 4 * ids.length);
  for (const id of ids) {
    for (const name of ["a", "b", "c"]) expect(countPuts(entries, `${id}/${name}`)).toBe(1);
  }
  const { files } = await catalog.listFiles(NAMESPACE, { limit: 1000 });
  expect(files.map((file) => file.key)).toEqual(ids.flatMap((id) => [`${id}/b`, `${id}/c`]).sort());
  const bytes = ids.reduce((sum, id) => sum + 1 + id.length, 0);
  expect(await catalog.findNamespace(NAMESPACE)).toMatchObject({ files: 2 * ids.length, bytes: `${bytes}` });
  // All puts of "a" share one blob, and so one debt.
  expect(await catalog.listDebts(nodeId(2), 1000)).toHaveLength(ids.length === 0 ? 0 : ids.length + 1);
}

/** Loses the answer of a COMMIT, and lets something happen before it is asked what came of it. */
class MeanwhilePlan extends FaultPlan {
  readonly #meanwhile: () => Promise<unknown>;

  constructor(meanwhile: () => Promise<unknown>) {
    super();
    this.#meanwhile = meanwhile;
    this.arm("cut-after", /^commit$/);
  }

  override next(sql: string): Fault | undefined {
    const fault = super.next(sql);
    if (fault === "cut-after") this.arm("wait", /commits/);
    return fault;
  }

  override async wait(): Promise<void> {
    await this.#meanwhile();
  }
}

export function describeCutConformance(harness: CatalogHarness): void {
  describe("a cut connection", () => {
    const faultsOf: Fault[] = harness.isNetwork
      ? ["cut-before", "cut-during", "cut-after"]
      : ["cut-before", "cut-after"];
    it.each(faultsOf)("loses nothing and doubles nothing: %s each statement of a commit, and COMMIT", (fault) =>
      withCatalog(harness, async (reader, { open }) => {
        doneOf(await reader.commit(setNodeOf(2)));
        const faults = new FaultPlan();
        const catalog = await open({ faults });
        const ids: string[] = [];
        const fired: string[] = [];
        for (let at = 0; at < MAX_CUTS; at += 1) {
          const id = `cut${at}`;
          faults.arm(fault, at);
          await commitMixed(catalog, id);
          ids.push(id);
          faults.disarm();
          if (faults.fired === undefined) break;
          fired.push(faults.fired);
        }
        expect(fired.at(-1)).toBe("commit");
        await checkMixed(reader, ids);
      }),
    );

    it("finds the outcomes of a commit that arrives when its connection was given up already", () =>
      withCatalog(harness, async (reader, { open }) => {
        doneOf(await reader.commit(setNodeOf(2)));
        const faults = new FaultPlan({ commitsLateAtOnce: true });
        const catalog = await open({ faults });
        faults.arm("stall", /^commit$/);
        await commitMixed(catalog, "late");
        expect(faults.stalled).toBeDefined();
        await checkMixed(reader, ["late"]);
      }));

    it("answers what was decided when a failover left only the word that the group is committed", () =>
      withCatalog(harness, async (reader, { database, open }) => {
        doneOf(await reader.commit(setNodeOf(2)));
        // What a standby has that lacked the group and was completed from a mirror.
        const faults = new MeanwhilePlan(() =>
          database.query("update commits set outcome = '[]' where id like 'g:%' and outcome is not null"),
        );
        await commitMixed(await open({ faults }), "restored");
        expect(faults.fired).toMatch(/commits/);
        await checkMixed(reader, ["restored"]);
      }));

    if (!harness.isNetwork) return;

    it("never commits a group twice when its COMMIT arrives while its outcome is being settled", () =>
      withCatalog(harness, async (reader, { database, open }) => {
        doneOf(await reader.commit(setNodeOf(2)));
        const faults = new FaultPlan();
        const catalog = await open({ faults });
        faults.arm("stall", /^commit$/);
        const commit = commitMixed(catalog, "late");
        // Whoever decides what came of it stands at the lock of the one that nobody hears any more.
        await expect.poll(() => database.countLockWaits(), LOOK_FOR_WAITS).toBeGreaterThan(0);
        await faults.stalled?.commitLate();
        await commit;
        await checkMixed(reader, ["late"]);
      }));

    it.each([/^insert .*commits/, /^insert .*journal_groups/, /^commit$/])(
      "makes void a commit whose connection only seems broken at %s, and the late commit changes nothing",
      (statement) =>
        withCatalog(harness, async (reader, { open }) => {
          doneOf(await reader.commit(setNodeOf(2)));
          const faults = new FaultPlan();
          const catalog = await open({ faults });
          faults.arm("stall", statement);
          await commitMixed(catalog, "again");
          expect(await faults.stalled?.commitLate()).toBe(false);
          await checkMixed(reader, ["again"]);
        }),
    );

    it.each(["to", "from"] as const)(
      "loses nothing and doubles nothing when packets %s the server are lost, whatever they held",
      (direction) =>
        withCatalog(harness, async (reader, { database, open }) => {
          doneOf(await reader.commit(setNodeOf(2)));
          await using proxy = await openTcpProxy(database.dsn);
          const catalog = await open({ dsn: proxy.dsn });
          const ids: string[] = [];
          for (let at = 0; at < MAX_CUTS; at += 1) {
            const id = `packet${at}`;
            proxy.cutAtPacket(direction, at);
            await commitMixed(catalog, id);
            ids.push(id);
            if (!proxy.hasCut) break;
          }
          expect(proxy.hasCut).toBe(false);
          expect(ids.length).toBeGreaterThan(2);
          await checkMixed(reader, ids);
        }),
    );

    it("goes on reading and committing after the server ended every session", () =>
      withCatalog(harness, async (catalog, { database }) => {
        doneOf(await catalog.commit(putOf("a")));
        await database.cutSessions();
        expect(await catalog.findFile(NAMESPACE, parseFileKey("a"))).toMatchObject({ key: "a" });
        doneOf(await catalog.commit(putOf("b")));
        await database.cutSessions();
        expect(await catalog.heartbeat(nodeId(1), { freeBytes: 1, totalBytes: 2 })).toHaveLength(1);
      }));

    it("says catalog_unavailable while the server is away, commits nothing of it, and goes on when it is back", () =>
      withCatalog(harness, async (reader, { database, open }) => {
        await using proxy = await openTcpProxy(database.dsn);
        const catalog = await open({ dsn: proxy.dsn });
        doneOf(await catalog.commit(putOf("a")));
        proxy.refuse();
        await expect(catalog.commit(putOf("b"))).rejects.toMatchObject({ code: "catalog_unavailable" });
        await expect(catalog.findFile(NAMESPACE, parseFileKey("a"))).rejects.toMatchObject({
          code: "catalog_unavailable",
        });
        await expect(open({ dsn: proxy.dsn })).rejects.toMatchObject({ code: "catalog_unavailable" });
        proxy.accept();
        expect(await catalog.findFile(NAMESPACE, parseFileKey("b"))).toBeUndefined();
        doneOf(await catalog.commit(putOf("c")));
        expect((await checkJournal(reader)).length).toBe(4);
      }));

    it("answers others at once while one commit's outcome cannot be settled, and settles it when the server is back", () =>
      withCatalog(harness, async (reader, { database, open }) => {
        await using proxy = await openTcpProxy(database.dsn);
        const catalog = await open({ dsn: proxy.dsn });
        doneOf(await catalog.commit(putOf("a")));
        proxy.refuseAfter(COMMIT_PACKET);
        const unsettled = catalog.commit(putOf("b"));
        await expect.poll(() => proxy.hasCut, { timeout: 20_000 }).toBe(true);
        await expect(catalog.commit(putOf("c"))).rejects.toMatchObject({ code: "catalog_unavailable" });
        proxy.accept();
        const { version } = doneOf(await unsettled);
        expect(await reader.findFile(NAMESPACE, parseFileKey("b"))).toMatchObject({ version });
        expect(countPuts(await checkJournal(reader), "b")).toBe(1);
      }));
  });
}
