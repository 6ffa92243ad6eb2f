import type { Catalog } from "../catalog/catalog.js";
import type { Cluster, MirrorPeer } from "../cluster/cluster.js";
import { findGenesis } from "../mirror/continue-history.js";
import type { Mirror, MirrorBranch } from "../mirror/mirror.js";
import type { KnownHistory } from "../model/commit-view.js";
import { findFork } from "../model/fence.js";
import type { JournalGroup } from "../model/journal-group.js";
import { crashPoint } from "../runtime/crash-points.js";
import type { Logger } from "../runtime/logger.js";
import type { HistoryEvents } from "../cluster/history-events.js";
import { BranchJoiner } from "./branch-joiner.js";

export interface HistoryRepairOptions {
  readonly catalog: Pick<
    Catalog,
    | "clusterId"
    | "commit"
    | "commitAll"
    | "completeJournal"
    | "findGroupHash"
    | "findNamespace"
    | "head"
    | "listNodes"
    | "raiseEpoch"
  >;
  readonly cluster: Pick<Cluster, "mirrorPeers" | "nudge">;
  readonly mirror: Mirror;
  readonly events: HistoryEvents;
  /** Called when what this node knew to be committed is no longer part of its history. */
  readonly onSplit: () => void;
  readonly log: Logger;
}

/** Groups read or put back at once: a transaction that holds the journal's lock for some hundred milliseconds. */
const BATCH_GROUPS = 100;

/** Mends what a failover broke: completes a catalog from the longest mirror, joins the two sides of a fork. */
export class HistoryRepair {
  readonly #options: HistoryRepairOptions;

  constructor(options: HistoryRepairOptions) {
    this.#options = options;
  }

  /** The catalog is a beginning of this mirror. Puts back what it lacks, from the longest mirror that can be reached. */
  async completeCatalog(head: KnownHistory, signal: AbortSignal): Promise<void> {
    const { catalog, events, log, mirror } = this.#options;
    log.error(
      { catalog: head.number, mirror: mirror.head().number },
      "the catalog lacks commits that the mirrors have",
    );
    await this.#lengthenMirror(signal);
    const epoch = Math.max(head.epoch, mirror.head().epoch) + 1;
    let after = head.number;
    for (;;) {
      const groups = await mirror.listGroups(after, BATCH_GROUPS);
      const last = groups.at(-1);
      if (last === undefined || signal.aborted) break;
      // Another node was faster, or somebody committed: the next step compares anew.
      if (!(await catalog.completeJournal(groups, epoch))) return;
      after = last.last;
    }
    events.note({ kind: "completed", from: head.number + 1, to: after });
    log.error({ from: head.number + 1, to: after, epoch }, "the catalog was completed from the mirrors");
  }

  /** Fetches what peers have of the same history beyond this mirror: the longest one counts. */
  async #lengthenMirror(signal: AbortSignal): Promise<void> {
    for (const peer of this.#options.cluster.mirrorPeers()) {
      if (peer.failedLately) continue;
      try {
        await this.#fetchFrom(peer, signal);
      } catch (err) {
        this.#options.log.warn({ err, peer: peer.node.name }, "a peer's mirror cannot be compared with this one");
      }
    }
  }

  async #fetchFrom(peer: MirrorPeer, signal: AbortSignal): Promise<void> {
    const { mirror } = this.#options;
    const { number } = await peer.mirror.head(signal);
    while (mirror.head().number < number && !signal.aborted) {
      const groups = await peer.mirror.listGroups(mirror.head().number, BATCH_GROUPS, signal);
      if (groups.length === 0) return;
      await mirror.append(groups);
    }
  }

  /** Both went on from a common point: the catalog's side is taken over, the mirror's is kept apart to be joined. */
  async splitMirror(): Promise<void> {
    const { catalog, events, log, mirror, onSplit } = this.#options;
    const before = mirror.head();
    const fork = await findFork({
      genesis: findGenesis(catalog.clusterId),
      end: before.number,
      findGroupBehind: async (number) => pointOf((await mirror.listGroups(number, 1))[0]),
      hasPoint: async ({ number, hash }) => (await catalog.findGroupHash(number)) === hash,
    });
    log.error({ fork: fork.number, mirror: before.number }, "catalog and mirror went on differently; both are kept");
    await mirror.splitOff(fork);
    crashPoint("fork.split");
    onSplit();
    events.note({ kind: "forked", from: fork.number + 1, to: before.number });
  }

  /** Names again, behind the catalog's history, what only a branch had. Repeated after a crash it does nothing twice. */
  async joinBranch(branch: MirrorBranch): Promise<void> {
    const { catalog, cluster, events, log, mirror } = this.#options;
    // Before and not behind it: a process that dies in between must not leave the fork without an epoch that closes it.
    await catalog.raiseEpoch((await catalog.head()).epoch + 1);
    const joiner = new BranchJoiner({ catalog, history: mirror, nudge: (nodes) => cluster.nudge(nodes), log });
    const { keys, joined } = await joiner.join(branch);
    crashPoint("fork.rejoined");
    await mirror.dropBranch(branch.fork);
    crashPoint("fork.dropped");
    events.note({ kind: "joined", from: branch.fork.number + 1, to: branch.groups.at(-1)?.last ?? branch.fork.number });
    log.error({ fork: branch.fork.number, keys, joined }, "both sides of a fork were joined");
  }
}

function pointOf(group: JournalGroup | undefined) {
  return group && { number: group.last, hash: group.hash };
}
