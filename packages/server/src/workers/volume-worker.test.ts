import { beforeEach, describe, expect, it } from "vitest";
import { SimulatedClock } from "../runtime/simulated-clock.js";
import { VolumeWorker } from "./volume-worker.js";

class ScriptedVolume {
  isSuspect = false;
  checks: boolean[] = [];
  onCheck = () => {};
  #onOut = () => {};

  async check({ writes }: { writes: boolean }): Promise<void> {
    this.checks.push(writes);
    this.onCheck();
  }

  watchHealth(onOut: () => void): void {
    this.#onOut = onOut;
  }

  takeOut(): void {
    this.isSuspect = true;
    this.#onOut();
  }
}

describe("VolumeWorker", () => {
  let clock: SimulatedClock;
  let volumes: [ScriptedVolume, ScriptedVolume];
  let census: { begun: number; pages: number; isRunning: boolean; begin(): void; step(): Promise<void> };
  let wakes: number;
  let worker: VolumeWorker;

  beforeEach(() => {
    clock = new SimulatedClock();
    volumes = [new ScriptedVolume(), new ScriptedVolume()];
    census = {
      begun: 0,
      pages: 0,
      isRunning: false,
      begin() {
        this.begun += 1;
        this.isRunning = true;
      },
      async step() {
        this.pages += 1;
        this.isRunning = this.pages % 3 !== 0;
      },
    };
    wakes = 0;
    const wake = () => {
      wakes += 1;
    };
    worker = new VolumeWorker({ volumes, census, wake, clock });
  });

  it("looks at each volume in each step, and tries to write once a minute", async () => {
    await worker.step();
    await clock.advance(60_000);
    await worker.step();
    await worker.step();
    for (const { checks } of volumes) expect(checks).toEqual([false, true, false]);
  });

  it("has what is missing noted when a volume goes out, and once more when placements of before are named", async () => {
    volumes[0].takeOut();
    expect(wakes).toBe(1);
    expect([await worker.step(), await worker.step(), await worker.step()]).toEqual(["busy", "busy", "idle"]);
    await clock.advance(10 * 60_000);
    expect(await worker.step()).toBe("idle");
    await clock.advance(60_000);
    expect(await worker.step()).toBe("busy");
    expect(census.begun).toBe(2);
    await clock.advance(3_600_000);
    while ((await worker.step()) === "busy");
    expect(census.begun).toBe(2);
  });

  it("takes no census of a node that has no volume left", async () => {
    volumes[1].takeOut();
    while ((await worker.step()) === "busy");
    const before = census.begun;
    volumes[0].takeOut();
    expect(await worker.step()).toBe("idle");
    expect(census.begun).toBe(before);
  });
});
