import { describe, expect, it } from "vitest";
import type { Row } from "../measure/measurement.js";
import { formatTable, ratioOf } from "./table.js";

function row(subject: string, requestsPerSecond: number, errors: readonly string[] = []): Row {
  const median = {
    requestsPerSecond,
    latencyMs: { p50: 1.234, p99: 5, max: 6 },
    cpuSecondsPer1000: 0.25,
    memory: [
      { name: "node", peakMiB: 100 },
      { name: "node", peakMiB: 90 },
    ],
    generatorLoad: subject === "nginx" ? 0.95 : 0.2,
    errors,
  };
  return { workload: "put-64k-c16", subject, yardstick: "nginx", median, rounds: [median] };
}

describe("ratioOf", () => {
  it("compares with the yardstick of the same workload", () => {
    const nginx = row("nginx", 4000);
    const other = { ...row("nginx", 1), workload: "get-4k-c1" };
    expect(ratioOf(row("koboldfs-two", 1000), [other, nginx])).toBe(0.25);
  });

  it("says nothing where the yardstick was left out", () => {
    expect(ratioOf(row("koboldfs-two", 1000), [])).toBeUndefined();
  });
});

describe("formatTable", () => {
  it("shows figures, ratio and every process's memory, and warns where the generator was the limit", () => {
    const text = formatTable([row("nginx", 4000), row("koboldfs-two", 1000)]);
    expect(text).toMatchInlineSnapshot(`
      "put-64k-c16
                      requests/s  x yardstick  CPU s/1000  p50 ms  p99 ms  peak MiB by process          generator
        nginx               4000  -                 0.250    1.23    5.00  node 100+90          95 % (its limit!)
        koboldfs-two        1000  0.250 nginx       0.250    1.23    5.00  node 100+90                       20 %
      "
    `);
  });

  it("shows errors under the table", () => {
    expect(formatTable([row("nginx", 4000, ["3 status"])])).toContain("FAILED nginx: 3 status");
  });
});
