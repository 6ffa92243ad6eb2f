import type { NodeId } from "@koboldfs/protocol";
import type { Debt, DebtCatalog } from "../catalog/catalog.js";
import type { Cluster } from "../cluster/cluster.js";
import type { Clock } from "../runtime/clock.js";
import type { Logger } from "../runtime/logger.js";
import type { BlobFetcher } from "./blob-fetcher.js";
import { DebtBackoff } from "./debt-backoff.js";
import { DebtSettler } from "./debt-settler.js";
import type { PeerBudget } from "./peer-budget.js";
import type { StepResult, Worker } from "./worker.js";

export interface RepairWorkerOptions {
  readonly catalog: DebtCatalog;
  /** Strikes off debts of blobs that nothing refers to any more: nobody has them, and nobody needs them. */
  readonly dropIdleDebts?: (debts: readonly Debt[]) => Promise<number>;
  readonly cluster: Cluster;
  readonly fetcher: Pick<BlobFetcher, "fetch">;
  /** Blobs fetched at the same time. */
  readonly lanes: number;
  /** Who is not worth asking now. */
  readonly budget?: Pick<PeerBudget, "isResting" | "forgive">;
  /** Told of each debt that is gone. */
  readonly onPaid?: (debt: Debt) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Debts read at once. */
const PAGE_DEBTS = 500;
/** Debts looked at in one search for one that can be tried, so that a step stays bounded. */
const MAX_PAGES = 20;
/** While long transfers run, new debts are looked for this often: they do not wait for a large blob. */
const LOOK_AGAIN_MS = 1_000;

/** Works off what this node owes, fewest copies first. */
export class RepairWorker implements Worker {
  readonly name = "repair";
  readonly pollMs = 3_000;
  readonly #options: RepairWorkerOptions;
  readonly #settler: DebtSettler;
  readonly #backoff: DebtBackoff;
  /** Each takes one debt of the queue after the other. */
  readonly #lanes = new Set<Promise<void>>();
  /** Debts from the beginning of their fetch until they are settled or given up: what is not to be begun again. */
  readonly #underWay = new Set<string>();
  #queue: Debt[] = [];
  #failure: { error: unknown } | undefined;
  #peersBefore: ReadonlySet<NodeId> = new Set();

  constructor(options: RepairWorkerOptions) {
    this.#options = options;
    const onEnd = (debt: Debt, error?: unknown) => this.#end(debt, error);
    this.#settler = new DebtSettler({ catalog: options.catalog, onEnd, clock: options.clock });
    this.#backoff = new DebtBackoff(options.clock);
  }

  /** Keeps the lanes going and resolves when one has nothing to do any more, or after a while. */
  async step(signal: AbortSignal): Promise<StepResult> {
    this.#throwFailure();
    const { lanes } = this.#options;
    const hasPeers = this.#hasPeers();
    if (hasPeers && this.#queue.length === 0) this.#queue = await this.#listPayable();
    while (hasPeers && this.#lanes.size < lanes && this.#queue.length > 0) this.#openLane(signal);
    if (this.#underWay.size === 0) return "idle";
    if (this.#lanes.size > 0) await this.#waitForLane();
    else await this.#settler.drain();
    this.#throwFailure();
    return "busy";
  }

  async end(): Promise<void> {
    await Promise.all(this.#lanes);
    await this.#settler.drain();
  }

  #openLane(signal: AbortSignal): void {
    const lane = this.#runLane(signal).finally(() => this.#lanes.delete(lane));
    this.#lanes.add(lane);
  }

  async #runLane(signal: AbortSignal): Promise<void> {
    while (this.#failure === undefined && !signal.aborted) {
      const debt = this.#queue.shift();
      if (debt === undefined) return;
      this.#underWay.add(keyOf(debt));
      await this.#pay(debt, signal);
    }
  }

  async #waitForLane(): Promise<void> {
    const waiting = new AbortController();
    await Promise.race([...this.#lanes, this.#options.clock.sleep(LOOK_AGAIN_MS, waiting.signal)]);
    waiting.abort("enough");
  }

  /** Never rejects: a failure of this node itself is kept for the step to throw. */
  async #pay(debt: Debt, signal: AbortSignal): Promise<void> {
    try {
      const outcome = await this.#options.fetcher.fetch(debt, signal);
      if (outcome === "here" || outcome === "fetched") return await this.#settler.add(debt);
      const isIdle = outcome === "absent" && (await this.#options.dropIdleDebts?.([debt])) === 1;
      if (isIdle) return this.#end(debt);
      this.#backoff.delay(debt);
      this.#underWay.delete(keyOf(debt));
      this.#options.log.debug({ debt, outcome }, "a debt cannot be paid now and waits");
    } catch (error) {
      // It may be this debt's fault alone (longer than the room that is left): others come before it next time.
      this.#backoff.delay(debt);
      this.#end(debt, error);
    }
  }

  #end(debt: Debt, error?: unknown): void {
    this.#underWay.delete(keyOf(debt));
    if (error === undefined) {
      this.#backoff.forget(debt);
      this.#options.onPaid?.(debt);
    } else this.#failure ??= { error };
  }

  /** The next debts that are neither under way nor waiting; those that nobody can pay hold up no others. */
  async #listPayable(): Promise<Debt[]> {
    const { catalog, cluster } = this.#options;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const debts = await catalog.listDebts(cluster.self, PAGE_DEBTS, page * PAGE_DEBTS);
      const payable = debts.filter((debt) => !this.#underWay.has(keyOf(debt)) && !this.#backoff.isWaiting(debt));
      if (payable.length > 0 || debts.length < PAGE_DEBTS) return payable;
    }
    return [];
  }

  /** Whether anybody can be asked. When a node comes back all debts are worth a try again. */
  #hasPeers(): boolean {
    const { budget, cluster } = this.#options;
    const peers = new Set(cluster.readingPeers().map(({ node }) => node.id));
    if ([...peers].some((id) => !this.#peersBefore.has(id))) {
      this.#backoff.clear();
      budget?.forgive();
    }
    this.#peersBefore = peers;
    return [...peers].some((id) => budget?.isResting(id) !== true);
  }

  #throwFailure(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    // The rest of the page is listed again after the pause: it may be paid or gone by then.
    if (failure !== undefined) {
      this.#queue = [];
      throw failure.error;
    }
  }
}

function keyOf({ namespace, digest }: Debt): string {
  return `${namespace}/${digest}`;
}
