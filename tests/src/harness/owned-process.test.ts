import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { exitOf, isAlive, peakMemoryBytes, spawnOwned } from "./owned-process.js";
import { waitUntil } from "./wait-until.js";

const SPAWNER = fileURLToPath(new URL("../programs/spawn-sleeper.js", import.meta.url));

describe("spawnOwned", () => {
  it.each(["SIGKILL", "SIGTERM", "SIGINT"] as const)(
    "starts a process that dies when its owner dies of %s",
    async (signal) => {
      const owner = spawnOwned(process.execPath, [SPAWNER], { stdio: ["ignore", "pipe", "inherit"] });
      if (owner.stdout === null) throw new Error("no pipe");
      const [line] = (await once(owner.stdout, "data")) as [Buffer];
      const sleeper = Number(line.toString());
      expect(isAlive(sleeper)).toBe(true);
      owner.kill(signal);
      expect(await exitOf(owner)).toEqual({ code: null, signal });
      await waitUntil("the sleeper is gone", () => !isAlive(sleeper));
    },
  );

  it("starts a process that dies when the runner of its owner is gone", async () => {
    const owner = spawnOwned(process.execPath, [SPAWNER], { stdio: ["ignore", "pipe", "inherit", "ipc"] });
    if (owner.stdout === null) throw new Error("no pipe");
    const [line] = (await once(owner.stdout, "data")) as [Buffer];
    owner.disconnect();
    expect(await exitOf(owner)).toEqual({ code: 1, signal: null });
    await waitUntil("the sleeper is gone", () => !isAlive(Number(line.toString())));
  });

  it("says what a process needed at most", async () => {
    const script = "const b = Buffer.alloc(64 * 1024 * 1024, 1); console.log(b.length); setInterval(() => {}, 1000);";
    const child = spawnOwned(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    if (child.stdout === null || child.pid === undefined) throw new Error("not started");
    await once(child.stdout, "data");
    expect(peakMemoryBytes(child.pid)).toBeGreaterThan(64 * 1024 * 1024);
    child.kill("SIGKILL");
    expect(await exitOf(child)).toEqual({ code: null, signal: "SIGKILL" });
  });
});
