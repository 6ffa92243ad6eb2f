import { open } from "node:fs/promises";
import { expect, it } from "vitest";
import { readProcessUsage } from "./process-usage.js";

it("says what this process takes", async () => {
  const { cpuSeconds, residentBytes, heapUsedBytes, heapTotalBytes, startedSeconds } = await readProcessUsage();
  // The processors of a machine are not a thousand.
  expect(cpuSeconds).toBeLessThan((Date.now() / 1000 - startedSeconds) * 1000);
  expect(heapUsedBytes).toBeLessThanOrEqual(heapTotalBytes);
  expect(residentBytes).toBeGreaterThan(heapUsedBytes);
});

it.skipIf(process.platform !== "linux")("counts the files that are open, where Linux says it", async () => {
  const before = await readProcessUsage();
  const files = await Promise.all(Array.from({ length: 40 }, () => open("/dev/null")));
  const after = await readProcessUsage();
  for (const file of files) await file.close();
  // Others of this process may open and close some meanwhile.
  expect((after.openFiles ?? 0) - (before.openFiles ?? 0)).toBeGreaterThan(30);
  expect(after.openFiles).toBeLessThanOrEqual(after.maxOpenFiles ?? Number.POSITIVE_INFINITY);
});
