import type { JournalCatalog } from "../catalog/catalog.js";
import type { Mirror } from "../mirror/mirror.js";
import type { MirrorIntake } from "../mirror/mirror-intake.js";
import type { KnownHistory } from "../model/commit-view.js";
import { planMirror } from "../model/fence.js";
import type { Clock } from "../runtime/clock.js";
import type { Logger } from "../runtime/logger.js";
import type { HistoryRepair } from "./history-repair.js";
import type { StepResult, Worker } from "./worker.js";

export interface MirrorWorkerOptions {
  readonly catalog: Pick<JournalCatalog, "head" | "findGroupHash">;
  readonly mirror: Pick<Mirror, "head" | "findGroupHash" | "listBranches" | "setEpoch">;
  readonly intake: Pick<MirrorIntake, "catchUp">;
  readonly repair: Pick<HistoryRepair, "completeCatalog" | "splitMirror" | "joinBranch">;
  /**
   * Called before every comparison; what it answers, with the outcome: whether the catalog has all that this node knows to be
   * committed, and by the monotonic clock a moment at which the mirror had all that the catalog has, when it is known to.
   */
  readonly beginComparison: () => (isTrusted: boolean, currentMs?: number) => void;
  readonly clock: Pick<Clock, "monotonic">;
  readonly log: Logger;
}

/**
 * Compares this node's mirror with the catalog. Mostly it finds them equal, or brings the mirror up to the catalog's
 * head after an absence; after a failover it has the one completed from the other, or both joined.
 */
export class MirrorWorker implements Worker {
  readonly name = "mirror";
  /** What others commit is pushed here; this only finds what was lost on the way, and what a failover did. */
  readonly pollMs = 1_000;
  readonly #options: MirrorWorkerOptions;
  #mayHaveBranches = true;
  #complainedOf: number | undefined;

  constructor(options: MirrorWorkerOptions) {
    this.#options = options;
  }

  async step(signal: AbortSignal): Promise<StepResult> {
    const { beginComparison, catalog, clock, intake, mirror, repair } = this.#options;
    const onCompared = beginComparison();
    // First the mirror: it only knows what is committed, so a catalog that is asked later must have it.
    const own = mirror.head();
    const askedMs = clock.monotonic();
    const head = await catalog.head();
    const plan = await this.#plan(head, own);
    onCompared(plan === "nothing" || plan === "catch-up", plan === "nothing" ? askedMs : undefined);
    switch (plan) {
      case "nothing":
        await mirror.setEpoch(head.epoch);
        return this.#joinBranches();
      case "catch-up": {
        await mirror.setEpoch(head.epoch);
        const hasMore = await intake.catchUp();
        if (mirror.head().number >= head.number) onCompared(true, askedMs);
        return hasMore ? "busy" : "idle";
      }
      case "complete":
        await repair.completeCatalog(head, signal);
        return "busy";
      case "join":
        this.#mayHaveBranches = true;
        await repair.splitMirror();
        return "busy";
      case "refuse":
        return "idle";
    }
  }

  async #plan(head: KnownHistory, own: KnownHistory) {
    if (head.number === own.number && head.hash === own.hash && head.epoch === own.epoch) return "nothing";
    const { catalog, log, mirror } = this.#options;
    const [hashAtKnown, hashAtHead] = [
      await catalog.findGroupHash(own.number),
      await mirror.findGroupHash(head.number),
    ];
    const plan = planMirror({ catalog: { ...head, hashAtKnown }, mirror: own, hashAtHead });
    if (plan.kind === "refuse" && this.#complainedOf !== head.epoch) {
      this.#complainedOf = head.epoch;
      log.error({ err: plan.reason }, "this catalog was replaced by another one; nothing is written to it");
    }
    return plan.kind;
  }

  async #joinBranches(): Promise<StepResult> {
    if (!this.#mayHaveBranches) return "idle";
    for (const branch of await this.#options.mirror.listBranches()) await this.#options.repair.joinBranch(branch);
    this.#mayHaveBranches = false;
    return "idle";
  }
}
