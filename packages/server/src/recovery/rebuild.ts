import type { Catalog } from "../catalog/catalog.js";
import { BranchJoiner } from "../workers/branch-joiner.js";
import { KEEP_OUTCOMES_MS } from "../workers/prune-worker.js";
import { UNFINISHED_EPOCH } from "../model/fence.js";
import { NODE_STATES } from "../model/node-state.js";
import type { Clock } from "../runtime/clock.js";
import { crashPoint } from "../runtime/crash-points.js";
import type { Logger } from "../runtime/logger.js";
import { CopyCheck, type CopyReport, type NodeInventory } from "./copy-check.js";
import { HistoryRebuild, type SourceReport } from "./history-rebuild.js";
import type { HistorySource } from "./history-source.js";

export interface RebuildOptions {
  /** Empty, with the cluster's id, or what an earlier run left unfinished. */
  readonly catalog: Catalog;
  /** At least one. */
  readonly sources: readonly HistorySource[];
  readonly inventories: readonly NodeInventory[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly onProgress?: (progress: RebuildProgress) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface RebuildProgress {
  readonly step: "journal" | "copies";
  readonly done: number;
  /** Absent while it is not known. */
  readonly of?: number;
}

/** Entries that only one mirror had, and that were named again behind the others. */
export interface JoinedFork {
  readonly mirror: string;
  /** The last number that both sides have. */
  readonly forkedAt: number;
  readonly entries: number;
  readonly keys: number;
}

export interface RebuildReport {
  readonly cluster: string;
  readonly catalog: string;
  readonly head: number;
  readonly epoch: number;
  readonly namespaces: number;
  readonly names: number;
  readonly bytes: string;
  readonly versions: number;
  readonly mirrors: readonly SourceReport[];
  readonly forks: readonly JoinedFork[];
  readonly copies: CopyReport;
  /** Nodes that nobody looked at: each walks the journal when it starts, and fetches what it lacks. */
  readonly uncheckedNodes: readonly string[];
}

/**
 * The new epoch is so far above the newest that any mirror knows: the last epoch of the lost catalog may have reached no
 * mirror before all went down, and that catalog must be refused as well when it comes back.
 */
const EPOCH_RESERVE = 10;

/**
 * Makes a catalog from mirrors. Until its last step the catalog is unfinished, and no node works with it; a run that died
 * goes on where it was. Throws `catalog_not_empty`, `rebuild_refused`.
 */
export async function rebuildFromMirrors(options: RebuildOptions): Promise<RebuildReport> {
  const { catalog, clock, inventories, onProgress, signal, sources } = options;
  const history = new HistoryRebuild({
    ...{ catalog, sources, signal, outcomesSinceMs: clock.now() - KEEP_OUTCOMES_MS },
    onProgress: (done, of) => onProgress?.({ step: "journal", done, of }),
  });
  await history.copyGroups();
  const forks = await joinForks(options, history);
  const check = new CopyCheck({
    ...{ catalog, inventories, signal },
    onProgress: (done) => onProgress?.({ step: "copies", done }),
  });
  const copies = await check.run();
  const epoch = history.newestEpoch + EPOCH_RESERVE;
  crashPoint("rebuild.copies.checked");
  await catalog.raiseEpoch(epoch);
  crashPoint("rebuild.begun");
  const uncheckedNodes = await listUnchecked(catalog, inventories);
  const described = await describeCatalog(catalog);
  return { ...described, epoch, mirrors: history.listSources(), forks, copies, uncheckedNodes };
}

async function listUnchecked(catalog: Catalog, inventories: readonly NodeInventory[]): Promise<string[]> {
  const checked = new Set(inventories.map(({ node }) => node));
  const nodes = (await catalog.listNodes()).filter(({ state }) => NODE_STATES[state].mayReturn);
  return nodes.filter(({ id }) => !checked.has(id)).map(({ name }) => name);
}

async function joinForks({ catalog, log }: RebuildOptions, history: HistoryRebuild): Promise<JoinedFork[]> {
  const joiner = new BranchJoiner({ catalog, history: catalog, nudge: () => {}, log });
  const forks: JoinedFork[] = [];
  const seen = new Set<string>();
  for (const branch of await history.listBranches()) {
    // Several nodes may have split off the same.
    const end = branch.groups.at(-1)?.hash ?? branch.fork.hash;
    if (seen.has(end)) continue;
    seen.add(end);
    const { keys } = await joiner.join(branch);
    const forkedAt = branch.fork.number;
    const entries = (branch.groups.at(-1)?.last ?? forkedAt) - forkedAt;
    forks.push({ mirror: branch.name, forkedAt, entries, keys });
  }
  return forks;
}

async function describeCatalog(catalog: Catalog) {
  const [head, namespaces, versions] = [
    await catalog.head(),
    await catalog.listNamespaces(),
    await catalog.countVersions(),
  ];
  return {
    ...{ cluster: catalog.clusterId, catalog: catalog.engine, head: head.number, namespaces: namespaces.length },
    names: namespaces.reduce((sum, { files }) => sum + files, 0),
    bytes: String(namespaces.reduce((sum, { bytes }) => sum + BigInt(bytes), 0n)),
    versions: versions.files,
  };
}

/** Marks a catalog that has nothing yet, so that no node begins to work with it. */
export async function markUnfinished(catalog: Catalog): Promise<void> {
  if ((await catalog.head()).epoch >= 0) await catalog.raiseEpoch(UNFINISHED_EPOCH);
}
