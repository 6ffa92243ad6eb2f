import { KoboldError, type NamespaceName } from "@koboldfs/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Change } from "../model/change.js";
import { deleteOf, NAMESPACE, putOf, setNamespaceOf, setNodeOf } from "../model/test-changes.js";
import { ModelCatalog, TEST_CLUSTER } from "../model/test-model-catalog.js";
import type { JournalGroup } from "../model/journal-group.js";
import { findGenesis } from "./continue-history.js";
import type { Mirror } from "./mirror.js";

/** Where the mirrors of one suite live: the same file (or memory) opened again after it was closed. */
export interface MirrorHarness {
  open(clusterId: string): Promise<Mirror>;
  /** Whether what was appended survives `close`. */
  readonly isDurable: boolean;
  remove(): Promise<void>;
}

const KEY = putOf("a").key;

/** What every mirror must do. */
export function describeMirrorConformance(name: string, createHarness: () => Promise<MirrorHarness>): void {
  describe(`${name} as a mirror`, () => {
    let harness: MirrorHarness;
    let mirror: Mirror;
    let catalog: ModelCatalog;

    beforeEach(async () => {
      harness = await createHarness();
      mirror = await harness.open(TEST_CLUSTER);
      catalog = new ModelCatalog();
    });

    afterEach(async () => {
      await mirror.close();
      await harness.remove();
    });

    /** Commits each change as a group of its own; answers the groups. */
    function commit(...changes: readonly Change[]): JournalGroup[] {
      const before = catalog.groups.length;
      for (const change of changes) catalog.commit([change]);
      return catalog.groups.slice(before).map(({ first, last, hash, bytes }) => ({ first, last, hash, bytes }));
    }

    async function keysOf(namespace: NamespaceName): Promise<string[]> {
      return (await mirror.listFiles(namespace, { limit: 1000 })).files.map(({ key }) => key);
    }

    function history(): JournalGroup[] {
      return commit(setNamespaceOf(), setNodeOf(1), putOf("a", "one"), putOf("b"), putOf("a", "two"), deleteOf("b"));
    }

    it("begins where the cluster's history begins, and knows nothing", async () => {
      expect(mirror.head()).toEqual({ ...findGenesis(TEST_CLUSTER), timeMs: 0, epoch: 0 });
      expect(mirror.clusterId).toBe(TEST_CLUSTER);
      expect(await mirror.listGroups(0, 10)).toEqual([]);
      expect(await mirror.listNamespaces()).toEqual([]);
      await expect(mirror.listFiles(NAMESPACE, { limit: 1 })).rejects.toMatchObject({ code: "namespace_not_found" });
    });

    it("knows after an append what the catalog knows: files, namespaces with their usage, nodes", async () => {
      await mirror.append(history());
      const { number, hash, timeMs } = catalog.head;
      expect(mirror.head()).toEqual({ number, hash, timeMs, epoch: 0 });
      expect(await mirror.findFile(NAMESPACE, KEY)).toEqual([...catalog.files.values()][0]);
      expect(await keysOf(NAMESPACE)).toEqual(["a"]);
      expect(await mirror.findNamespace(NAMESPACE)).toMatchObject({ files: 1, bytes: "3", minCopies: 1 });
      expect(await mirror.listNodes()).toMatchObject([setNodeOf(1).node]);
    });

    it("knows how far each namespace's history goes back", async () => {
      await mirror.append(history());
      const born = { namespace: NAMESPACE, horizon: 1, createdMs: [...catalog.namespaces.values()][0]?.createdMs };
      expect(await mirror.listHorizons()).toMatchObject([born]);
      await mirror.append(commit({ kind: "move-horizon", namespace: NAMESPACE, horizon: 4 }));
      expect(await mirror.listHorizons()).toMatchObject([{ ...born, horizon: 4 }]);
    });

    it("gives the bytes back exactly as they came, after any number, at most so many", async () => {
      const groups = history();
      await mirror.append(groups);
      expect(await mirror.listGroups(0, 100)).toEqual(groups);
      expect(await mirror.listGroups(2, 2)).toEqual(groups.slice(2, 4));
      expect(await mirror.findGroupHash(3)).toBe(groups[2]?.hash);
      expect(await mirror.findGroupHash(99)).toBeUndefined();
    });

    it("comes to the same whether groups come alone, together, or twice", async () => {
      const groups = history();
      for (const group of groups.slice(0, 3)) await mirror.append([group]);
      await mirror.append(groups.slice(1));
      await mirror.append(groups);
      expect(mirror.head().number).toBe(6);
      expect(await keysOf(NAMESPACE)).toEqual(["a"]);
      expect(await mirror.listGroups(0, 100)).toEqual(groups);
    });

    it("refuses a gap as mirror_behind, and stays as it was", async () => {
      const groups = history();
      await mirror.append(groups.slice(0, 2));
      await expect(mirror.append(groups.slice(3))).rejects.toMatchObject({ code: "mirror_behind" });
      await expect(mirror.append([groups[2], groups[4]] as JournalGroup[])).rejects.toThrow(KoboldError);
      expect(mirror.head().number).toBe(2);
      await mirror.append(groups.slice(2));
      expect(mirror.head().number).toBe(6);
    });

    it("refuses another history and bytes without their hash as history_forked, and stays as it was", async () => {
      const groups = history();
      await mirror.append(groups);
      catalog = new ModelCatalog();
      const others = commit(setNamespaceOf("other"), ...Array.from({ length: 7 }, (_, index) => setNodeOf(index + 1)));
      await expect(mirror.append(others)).rejects.toMatchObject({ code: "history_forked" });
      await expect(mirror.append(others.slice(6))).rejects.toMatchObject({ code: "history_forked" });
      const [bad] = groups;
      const damaged = { ...(bad as JournalGroup), last: 7, first: 7, hash: "0".repeat(64) };
      await expect(mirror.append([damaged])).rejects.toMatchObject({ code: "history_forked" });
      expect(mirror.head().number).toBe(6);
      expect(await keysOf(NAMESPACE)).toEqual(["a"]);
    });

    it("moves the epoch forward and never back", async () => {
      await mirror.append(history());
      expect((await mirror.setEpoch(3)).epoch).toBe(3);
      expect((await mirror.setEpoch(2)).epoch).toBe(3);
      expect(mirror.head().number).toBe(6);
    });

    it("splits off what is above a point, keeps it aside, and goes on from there", async () => {
      const groups = history();
      await mirror.append(groups);
      const fork = { number: 4, hash: groups[3]?.hash ?? "" };
      expect(await mirror.splitOff(fork)).toMatchObject(fork);
      expect(await keysOf(NAMESPACE)).toEqual(["a", "b"]);
      expect(await mirror.findFile(NAMESPACE, KEY)).toMatchObject({ version: 3 });
      expect(await mirror.findNamespace(NAMESPACE)).toMatchObject({ files: 2, bytes: "4" });
      expect(await mirror.listBranches()).toEqual([{ fork, groups: groups.slice(4) }]);
      await mirror.append(groups.slice(4));
      expect(await keysOf(NAMESPACE)).toEqual(["a"]);
      await mirror.dropBranch(fork);
      await mirror.dropBranch(fork);
      expect(await mirror.listBranches()).toEqual([]);
    });

    it("splits off the whole history, and refuses a point that it never had", async () => {
      const groups = history();
      await mirror.append(groups);
      const never = { number: 4, hash: "0".repeat(64) };
      await expect(mirror.splitOff(never)).rejects.toMatchObject({ code: "history_forked" });
      expect(mirror.head().number).toBe(6);
      await mirror.splitOff(findGenesis(TEST_CLUSTER));
      expect(await mirror.listNamespaces()).toEqual([]);
      expect(mirror.head().number).toBe(0);
    });

    it("appends what is asked at the same time one after the other", async () => {
      const groups = history();
      await Promise.all(groups.map((group) => mirror.append([group])));
      expect(mirror.head().number).toBe(6);
    });

    it("is after a restart where it was, branches and epoch included", async () => {
      if (!harness.isDurable) return;
      const groups = history();
      await mirror.append(groups);
      await mirror.setEpoch(2);
      await mirror.splitOff({ number: 5, hash: groups[4]?.hash ?? "" });
      const head = mirror.head();
      await mirror.close();
      mirror = await harness.open(TEST_CLUSTER);
      expect(mirror.head()).toEqual(head);
      expect(await mirror.listBranches()).toHaveLength(1);
      await mirror.append(groups.slice(5));
      expect(await keysOf(NAMESPACE)).toEqual(["a"]);
      await mirror.close();
      await expect(harness.open("f".repeat(32))).rejects.toMatchObject({ code: "mirror_refused" });
      mirror = await harness.open(TEST_CLUSTER);
    });
  });
}
