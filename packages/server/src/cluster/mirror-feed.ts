import type { NodeId } from "@koboldfs/protocol";
import type { CommitWitness } from "../catalog/commit-witness.js";
import type { Mirror } from "../mirror/mirror.js";
import type { MirrorIntake } from "../mirror/mirror-intake.js";
import type { KnownHistory } from "../model/commit-view.js";
import type { JournalGroup } from "../model/journal-group.js";
import type { Clock } from "../runtime/clock.js";
import { withDeadline } from "../runtime/deadline.js";
import type { Logger } from "../runtime/logger.js";
import type { Cluster } from "./cluster.js";
import { MirrorLane } from "./mirror-lane.js";

export interface MirrorFeedOptions {
  readonly mirror: Pick<Mirror, "head">;
  readonly intake: Pick<MirrorIntake, "take" | "catchUp">;
  readonly cluster: Pick<Cluster, "mirrorPeers">;
  /** Mirrors that shall have a group before its changes are answered, this node's among them. */
  readonly ackCopies: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * A disk that takes longer is about to fail, or what comes before cannot be had: then the answer says honestly how many
 * have it, and the mirror catches up later.
 */
const OWN_MIRROR_MS = 5000;
/** Batches fetched for the answer of a repeated request; the worker does the rest. */
const MAX_CATCH_UP_BATCHES = 10;

/** Feeds this node's mirror and those of its peers with what it commits, before anybody is told of it. */
export class MirrorFeed implements CommitWitness {
  readonly #options: MirrorFeedOptions;
  readonly #lanes = new Map<NodeId, MirrorLane>();
  /** The newest group that this node committed: known to be true before any mirror has it. */
  #committed: { readonly number: number; readonly hash: string } | undefined;

  constructor(options: MirrorFeedOptions) {
    this.#options = options;
  }

  known(): KnownHistory {
    const head = this.#options.mirror.head();
    if (this.#committed === undefined || this.#committed.number <= head.number) return head;
    return { ...head, ...this.#committed };
  }

  /** After what this node knew to be committed was split off its history: peers will have done the same. */
  forgetHistory(): void {
    this.#committed = undefined;
    this.#lanes.clear();
  }

  confirm(number: number, group: JournalGroup | undefined): Promise<number> {
    if (group !== undefined && group.last > (this.#committed?.number ?? 0)) {
      this.#committed = { number: group.last, hash: group.hash };
    }
    this.#updateLanes();
    const lanes = [...this.#lanes.values()];
    const asked = [this.#bringOwn(number, group), ...lanes.map((lane) => lane.bring(number, group))];
    return countUntilEnough(asked, this.#options.ackCopies);
  }

  async #bringOwn(number: number, group: JournalGroup | undefined): Promise<boolean> {
    const { clock, intake, log, mirror } = this.#options;
    const late = () => new Error(`it took longer than ${OWN_MIRROR_MS} ms`);
    try {
      const work = group === undefined ? this.#reach(number) : intake.take(group);
      await withDeadline<unknown>(work, { clock, ms: OWN_MIRROR_MS, late });
    } catch (err) {
      log.error({ err, number }, "this node's mirror did not take what was committed; it will catch up");
    }
    return mirror.head().number >= number;
  }

  async #reach(number: number): Promise<void> {
    const { intake, mirror } = this.#options;
    for (let batch = 0; batch < MAX_CATCH_UP_BATCHES && mirror.head().number < number; batch += 1) {
      if (!(await intake.catchUp())) return;
    }
  }

  /** A peer that went down keeps its lane: what its mirror had it has on its disk. */
  #updateLanes(): void {
    const peers = new Map(this.#options.cluster.mirrorPeers().map((peer) => [peer.node.id, peer]));
    for (const [id, lane] of this.#lanes) lane.update(peers.get(id));
    for (const [id, peer] of peers) {
      if (!this.#lanes.has(id)) this.#lanes.set(id, new MirrorLane(peer, this.#options.clock));
    }
  }
}

/**
 * Resolves with the number of those that said yes, as soon as it is `enough` and the first of them is settled, or when
 * all are. The first is this node's own mirror: no other one stands in for it while it still may succeed.
 */
function countUntilEnough(asked: readonly Promise<boolean>[], enough: number): Promise<number> {
  return new Promise((resolve) => {
    let yes = 0;
    let settled = 0;
    let isFirstSettled = false;
    for (const [index, answer] of asked.entries()) {
      void answer.then((has) => {
        yes += has ? 1 : 0;
        settled += 1;
        isFirstSettled ||= index === 0;
        if (settled === asked.length || (isFirstSettled && yes >= enough)) resolve(yes);
      });
    }
  });
}
