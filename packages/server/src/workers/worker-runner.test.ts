import { describe, expect, it } from "vitest";
import { silentLogger } from "../runtime/logger.js";
import { SimulatedClock } from "../runtime/simulated-clock.js";
import type { StepResult } from "./worker.js";
import { WorkerRunner } from "./worker-runner.js";

/** A worker that answers what it is told, and afterwards `idle`. */
class ScriptedWorker {
  readonly name = "scripted";
  readonly pollMs = 1000;
  readonly script: (StepResult | Error)[];
  readonly startedAt: number[] = [];
  readonly clock = new SimulatedClock();
  readonly runner = new WorkerRunner({ clock: this.clock, random: () => 0.5, log: silentLogger });

  constructor(...script: (StepResult | Error)[]) {
    this.script = script;
  }

  async step(): Promise<StepResult> {
    this.startedAt.push(this.clock.monotonic());
    const next = this.script.shift() ?? "idle";
    if (next instanceof Error) throw next;
    return next;
  }
}

describe("WorkerRunner", () => {
  it("takes the next step at once while the worker is busy, and polls when it is idle", async () => {
    const worker = new ScriptedWorker("busy", "busy", "idle");
    worker.runner.start(worker);
    await worker.clock.advance(500);
    expect(worker.startedAt).toEqual([0, 0, 0]);
    await worker.clock.advance(600);
    expect(worker.startedAt).toEqual([0, 0, 0, 1000]);
    await worker.runner.stop();
  });

  it("takes a step as soon as an idle worker is woken", async () => {
    const worker = new ScriptedWorker();
    worker.runner.start(worker);
    await worker.clock.advance(100);
    worker.runner.wake("scripted");
    await worker.clock.advance(0);
    expect(worker.startedAt).toEqual([0, 100]);
    await worker.runner.stop();
  });

  it("does not lose a wake-up that comes while a step runs", async () => {
    const worker = new ScriptedWorker();
    const steps: (() => void)[] = [];
    worker.step = () => new Promise((resolve) => steps.push(() => resolve("idle")));
    worker.runner.start(worker);
    worker.runner.wake("scripted");
    steps[0]?.();
    await worker.clock.advance(0);
    expect(steps).toHaveLength(2);
    steps[1]?.();
    await worker.runner.stop();
  });

  it("pauses longer with each failure in a row, is not hurried by wake-ups, and forgets failures after a success", async () => {
    const worker = new ScriptedWorker(new Error("one"), new Error("two"), "busy", new Error("three"));
    worker.runner.start(worker);
    await worker.clock.advance(100);
    worker.runner.wake("scripted");
    await worker.clock.advance(5000);
    expect(worker.startedAt.slice(0, 5)).toEqual([0, 375, 1125, 1125, 1500]);
    await worker.runner.stop();
  });

  it("stops while a worker waits, and takes no further step", async () => {
    const worker = new ScriptedWorker();
    worker.runner.start(worker);
    await worker.clock.advance(0);
    await worker.runner.stop();
    await worker.clock.advance(10_000);
    expect(worker.startedAt).toEqual([0]);
  });

  it("aborts the running step when it stops, waits for its end, and then for what goes on between steps", async () => {
    const worker = new ScriptedWorker();
    let ended = false;
    const aborting = async (signal: AbortSignal): Promise<StepResult> => {
      await worker.clock.sleep(1_000_000, signal);
      ended = true;
      return "busy";
    };
    let wasEndedBefore: boolean | undefined;
    const end = async () => {
      wasEndedBefore = ended;
    };
    worker.runner.start({ name: "long", pollMs: 1, step: aborting, end });
    await worker.runner.stop();
    expect(wasEndedBefore).toBe(true);
  });
});
