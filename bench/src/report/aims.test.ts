import { describe, expect, it } from "vitest";
import type { Measurement, Row } from "../measure/measurement.js";
import { formatAims } from "./aims.js";

function row(subject: string, figures: Partial<Measurement>, workload = "get-4k-c16"): Row {
  const latencyMs = { p50: 1, p99: 2, max: 3 };
  const none = { requestsPerSecond: 1, cpuSecondsPer1000: 1, memory: [], generatorLoad: 0, errors: [] };
  return { workload, subject, yardstick: "nginx", median: { latencyMs, ...none, ...figures }, rounds: [] };
}

describe("formatAims", () => {
  it("says what was reached and what was missed, and by how much", () => {
    const nginx = row("nginx", { requestsPerSecond: 1000, cpuSecondsPer1000: 0.02 });
    const ours = row("koboldfs-two", { requestsPerSecond: 150, cpuSecondsPer1000: 0.06 });
    expect(formatAims([nginx, ours])).toEqual([
      "  MISSED  koboldfs-two, rate : nginx: 0.150, aim at least 0.2",
      "  reached koboldfs-two, CPU a request : nginx: 3.000, aim at most 4",
    ]);
  });

  it("takes half of the disk's rate, since two copies share it", () => {
    const workload = "put-4k-c16";
    const rows = [
      row("disk", { requestsPerSecond: 1000 }, workload),
      row("koboldfs-two", { requestsPerSecond: 400 }, workload),
    ];
    expect(formatAims(rows)).toEqual(["  reached koboldfs-two, rate : half the disk's: 0.800, aim at least 0.6"]);
  });

  it("says nothing of what was not measured", () => {
    expect(formatAims([row("koboldfs-two", {})])).toEqual([]);
  });
});
