import type { FileCatalog, HistoryCatalog, JournalCatalog, NamespaceCatalog, NodeCatalog } from "../catalog/catalog.js";
import type { KnownHistory } from "../model/commit-view.js";
import type { JournalGroup } from "../model/journal-group.js";
import type { JournalPoint } from "../model/journal-history.js";

/** How far a mirror is. */
export interface MirrorHead extends KnownHistory {
  /** The catalog's time of the newest group, milliseconds since 1970; 0 before the first. */
  readonly timeMs: number;
}

/** Groups that a mirror had and its catalog did not: kept apart until they are joined with the catalog's history. */
export interface MirrorBranch {
  /** The last point that both have. */
  readonly fork: JournalPoint;
  readonly groups: readonly JournalGroup[];
}

export interface MirrorWriter {
  /**
   * Appends whole groups in the order of their numbers. Resolves when they, and the live set that they imply, are
   * durable; all or nothing. Groups that are there already are passed over, so that a repetition does no harm.
   * Rejects with `mirror_behind` when a group before them is missing, and with `history_forked` when one does not
   * continue what is there or its bytes do not have its hash; then nothing has changed.
   */
  append(groups: readonly JournalGroup[]): Promise<MirrorHead>;
  /** Notes that the catalog is in this epoch; never moves back. */
  setEpoch(epoch: number): Promise<MirrorHead>;
  /**
   * Takes everything above `fork` out of the history and keeps it as a branch. The live set is made anew from what is
   * left. Rejects with `history_forked` when the mirror has no group that ends in `fork`. Crash-safe: all or nothing.
   */
  splitOff(fork: JournalPoint): Promise<MirrorHead>;
  /** Forgets the branches that begin at `fork`: everything of them is in the catalog. Idempotent. */
  dropBranch(fork: JournalPoint): Promise<void>;
}

/** Reads never see half a group. */
export interface MirrorReader
  extends FileCatalog,
    NamespaceCatalog,
    Pick<NodeCatalog, "listNodes">,
    Pick<HistoryCatalog, "listHorizons">,
    Pick<JournalCatalog, "listGroups"> {
  readonly clusterId: string;
  /** What was durable last; answers at once. */
  head(): MirrorHead;
  /** The hash of the group that ends in `number`; undefined when none does. */
  findGroupHash(number: number): Promise<string | undefined>;
  /** Oldest fork first. */
  listBranches(): Promise<MirrorBranch[]>;
}

/**
 * A node's own copy of the journal, with the names, namespaces and nodes that it implies. One process writes it.
 * Every method rejects with `disk_failed` when the copy cannot be read or written.
 */
export interface Mirror extends MirrorReader, MirrorWriter {
  /** Finishes what runs, refuses what comes. Idempotent. */
  close(): Promise<void>;
}
