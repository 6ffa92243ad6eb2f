import { setMaxListeners } from "node:events";
import { KoboldError, type ScrubFindings, type ScrubInfo, type ScrubPassInfo } from "@koboldfs/protocol";
import type { ScrubCoverage } from "../blobs/scrub-coverage.js";
import { SHARDS } from "../model/folder-shard.js";
import { SCRUB_FINDINGS } from "../model/scrub-decision.js";
import type { Clock } from "../runtime/clock.js";
import type { Logger } from "../runtime/logger.js";
import type { ScrubbedStore } from "../blobs/scrubbed-store.js";
import type { Quarantine } from "./quarantine.js";
import { noFindings, ScrubReport } from "./scrub-report.js";
import type { ScrubStretch } from "./scrub-stretch.js";
import type { StepResult, Worker } from "./worker.js";

export interface ScrubWorkerOptions {
  readonly store: Pick<ScrubbedStore, "listVolumes">;
  readonly stretch: Pick<ScrubStretch, "run">;
  readonly quarantine: Pick<Quarantine, "sweep">;
  readonly coverage: ScrubCoverage;
  /** Of the scrub that goes on by itself; zero for none. What is ordered goes as fast as it can. */
  readonly bytesPerSecond: number;
  /** Every copy is to be proven so often. */
  readonly againMs: number;
  /** Has the next step come at once. */
  readonly wake: () => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A node that was just started has other things to do, and its peers may start at the same time. */
const FIRST_AFTER_MS = 60_000;
/** What was proven since the coverage was saved last is proven once more after a crash: a minute's work. */
const SAVE_EVERY_MS = 60_000;

/** An ordered pass, and what it has come to. */
interface Pass {
  readonly second: number;
  readonly repairs: boolean;
  readonly startedMs: number;
  readonly report: ScrubReport;
  endedMs?: number;
}

/**
 * Reads everything that this node holds again, shard by shard, and compares both ways. By itself it goes slowly and never
 * ends; what an operator orders goes first and fast. Where it stands is the coverage: nothing else needs to survive.
 */
export class ScrubWorker implements Worker {
  readonly name = "scrub";
  readonly pollMs = 60_000;
  readonly #options: ScrubWorkerOptions;
  readonly #begunMs: number;
  #savedMs: number;
  #pass: Pass | undefined;
  #report = new ScrubReport();
  readonly #findings = noFindings();
  /** Ends the slow stretch that runs when something is ordered. */
  #slow = new AbortController();

  constructor(options: ScrubWorkerOptions) {
    this.#options = options;
    this.#begunMs = options.clock.monotonic();
    this.#savedMs = this.#begunMs;
    const { ordered } = options.coverage;
    // One that was done is found to be so by the first step.
    if (ordered !== undefined && this.#progressOf(ordered.second) < 1) this.#begin(ordered);
  }

  /** Begins a pass over everything; one of the same kind that runs already goes on instead. */
  order({ repairs }: { repairs: boolean }): void {
    const { clock, coverage, wake } = this.#options;
    const running = this.#running();
    if (running?.repairs === repairs) return;
    // Not the second that runs: what was proven in it may have been so before whatever the order is about happened.
    const second = Math.max(toSecond(clock.now()) + 1, (coverage.ordered?.second ?? 0) + 1);
    coverage.order({ second, repairs });
    this.#begin({ second, repairs });
    this.#slow.abort(new Error("a pass was ordered"));
    wake();
  }

  describe(): ScrubInfo {
    const { againMs, clock, coverage } = this.#options;
    const { shards, proven, oldestSecond } = coverage.summarize(toSecond(clock.now() - againMs));
    return {
      proven: shards === 0 ? 0 : proven / shards,
      ...(oldestSecond > 0 && { provenSince: new Date(oldestSecond * 1000).toISOString() }),
      findings: this.#allFindings(),
      ...(this.#pass !== undefined && { pass: this.#describePass(this.#pass) }),
    };
  }

  async step(signal: AbortSignal): Promise<StepResult> {
    const running = this.#running();
    const result = running === undefined ? await this.#goOn(signal) : await this.#goThrough(running, signal);
    if (this.#options.clock.monotonic() - this.#savedMs >= SAVE_EVERY_MS) await this.#save();
    return result;
  }

  async end(): Promise<void> {
    await this.#save();
  }

  /** The next stretch of what was ordered. */
  async #goThrough(pass: Pass, signal: AbortSignal): Promise<StepResult> {
    const { coverage } = this.#options;
    const from = coverage.findDue(0, pass.second);
    if (from === undefined) return this.#finish(pass);
    const rest = { repairs: pass.repairs, bytesPerSecond: Number.POSITIVE_INFINITY, report: pass.report };
    await this.#prove(from, { ...rest, second: pass.second, signal });
    return "busy";
  }

  async #finish(pass: Pass): Promise<StepResult> {
    const { clock, log, quarantine, store } = this.#options;
    if (store.listVolumes().length === 0) throw new KoboldError("disk_failed", "every volume of this node is out");
    if (pass.repairs) await quarantine.sweep();
    else this.#takeBack(pass);
    pass.endedMs = clock.now();
    await this.#save();
    const { files, bytes, findings } = pass.report.describe();
    log.info({ event: "scrub_done", files, bytes, findings }, "the pass that was ordered is over");
    return "busy";
  }

  /** What was found and left as it is was looked at and is not proven. */
  #takeBack({ report }: Pass): void {
    const { coverage, store } = this.#options;
    for (const shard of report.listBadShards()) {
      coverage.prove(store.listVolumes(), { from: shard, to: shard, second: 0 });
    }
  }

  /** The next stretch that was not proven for long enough. */
  async #goOn(signal: AbortSignal): Promise<StepResult> {
    const { againMs, bytesPerSecond, clock, coverage } = this.#options;
    if (bytesPerSecond === 0 || clock.monotonic() - this.#begunMs < FIRST_AFTER_MS) return "idle";
    const from = coverage.findDue(0, toSecond(clock.now() - againMs));
    if (from === undefined) {
      await this.#options.quarantine.sweep();
      return "idle";
    }
    const slow = new AbortController();
    // Each file that is read listens to it.
    setMaxListeners(0, slow.signal);
    this.#slow = slow;
    const onStop = () => slow.abort(signal.reason);
    signal.addEventListener("abort", onStop, { once: true });
    try {
      const second = toSecond(clock.now());
      await this.#prove(from, { repairs: true, bytesPerSecond, report: this.#report, second, signal: slow.signal });
    } catch (error) {
      if (signal.aborted || !slow.signal.aborted) throw error;
    } finally {
      signal.removeEventListener("abort", onStop);
    }
    return "busy";
  }

  /** Only what is in service at the beginning and the end counts: a volume that comes in between was not looked at. */
  async #prove(from: number, mode: Parameters<ScrubStretch["run"]>[1] & { second: number }): Promise<void> {
    const { coverage, store, stretch } = this.#options;
    const before = store.listVolumes();
    const to = await stretch.run(from, mode);
    const after = new Set(store.listVolumes());
    coverage.prove(
      before.filter((volume) => after.has(volume)),
      { from, to, second: Math.max(mode.second, toSecond(this.#options.clock.now())) },
    );
  }

  async #save(): Promise<void> {
    this.#savedMs = this.#options.clock.monotonic();
    await this.#options.coverage.save();
  }

  #begin({ second, repairs }: { second: number; repairs: boolean }): void {
    this.#keepFindings();
    this.#pass = { second, repairs, startedMs: this.#options.clock.now(), report: new ScrubReport() };
  }

  #running(): Pass | undefined {
    return this.#pass?.endedMs === undefined ? this.#pass : undefined;
  }

  /** What the pass before found counts on when the next one begins. */
  #keepFindings(): void {
    if (this.#pass === undefined) return;
    addFindings(this.#findings, this.#pass.report.findings);
  }

  #allFindings(): ScrubInfo["findings"] {
    const all = { ...this.#findings };
    addFindings(all, this.#report.findings);
    if (this.#pass !== undefined) addFindings(all, this.#pass.report.findings);
    return all;
  }

  #describePass(pass: Pass): ScrubPassInfo {
    const { endedMs, repairs, report, second, startedMs } = pass;
    return {
      state: endedMs === undefined ? "running" : "done",
      repairs,
      started: new Date(startedMs).toISOString(),
      ...(endedMs !== undefined && { ended: new Date(endedMs).toISOString() }),
      progress: endedMs === undefined ? this.#progressOf(second) : 1,
      ...report.describe(),
    };
  }

  #progressOf(second: number): number {
    const due = this.#options.coverage.findDue(0, second);
    return due === undefined ? 1 : due / SHARDS;
  }
}

function addFindings(sum: ScrubFindings, more: ScrubFindings): void {
  for (const name of SCRUB_FINDINGS) sum[name] += more[name];
}

function toSecond(ms: number): number {
  return Math.max(0, Math.floor(ms / 1000));
}
