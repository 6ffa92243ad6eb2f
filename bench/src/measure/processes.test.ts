import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { cpuSecondsOf, peakMemoryOf, reapedChildrenCpuSeconds } from "./processes.js";

const BURN = "const end = process.cpuUsage().user + 200000; while (process.cpuUsage().user < end);";

describe("cpuSecondsOf", () => {
  it("counts the time of children that are running", async () => {
    // A shell that waits for the child: only the tree below it has used any time worth mentioning.
    const script = `${BURN} process.stdout.write('burnt'); process.stdin.on('end', process.exit).resume();`;
    const parent = spawn("sh", ["-c", `"${process.execPath}" -e "${script}"; exit 0`], { stdio: "pipe" });
    try {
      await once(parent.stdout, "data");
      expect(cpuSecondsOf([parent.pid ?? 0])).toBeGreaterThan(0.15);
    } finally {
      parent.stdin.end();
      await once(parent, "exit");
    }
  });

  it("counts a process that is gone as nothing", () => {
    expect(cpuSecondsOf([2 ** 30])).toBe(0);
  });
});

describe("reapedChildrenCpuSeconds", () => {
  it("grows by what a child used until it ended", () => {
    const before = reapedChildrenCpuSeconds();
    execFileSync(process.execPath, ["-e", BURN]);
    expect(reapedChildrenCpuSeconds() - before).toBeGreaterThan(0.15);
  });
});

describe("peakMemoryOf", () => {
  it("names each process with the memory it had", () => {
    const [own] = peakMemoryOf([process.pid]);
    expect(own?.peakMiB).toBeGreaterThan(10);
  });
});
