import { KoboldError, type StatusReply } from "@koboldfs/protocol";
import { expect, it } from "vitest";
import { LoopDelay } from "../runtime/loop-delay.js";
import { readProcessUsage } from "../runtime/process-usage.js";
import { SimulatedClock } from "../runtime/simulated-clock.js";
import { MetricsService } from "./metrics-service.js";

const clock = new SimulatedClock();

function collectWith(getStatus: () => Promise<StatusReply>) {
  const delays = new LoopDelay(clock);
  return new MetricsService({ status: { getStatus }, usage: readProcessUsage, delays, clock }).collect();
}

it("does not wait for a catalog that hangs longer than a scrape may take", async () => {
  const collecting = collectWith(() => new Promise(() => {}));
  await clock.advance(5000);
  const told = await collecting;
  expect(told.koboldfs_catalog_up).toEqual([{ value: 0 }]);
  expect(told).not.toHaveProperty("koboldfs_debt_files");
  expect(told.process_cpu_seconds_total).toHaveLength(1);
});

it.each(["catalog_unavailable", "catalog_behind"] as const)("says of %s that the catalog is not up", async (code) => {
  const told = await collectWith(() => Promise.reject(new KoboldError(code, "a fault of the test")));
  expect(told.koboldfs_catalog_up).toEqual([{ value: 0 }]);
});

it("does not blame the catalog for other failures", async () => {
  const failure = new KoboldError("disk_failed", "a fault of the test");
  await expect(collectWith(() => Promise.reject(failure))).rejects.toBe(failure);
});
