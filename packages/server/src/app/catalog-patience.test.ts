import { type ErrorCode, KoboldError } from "@koboldfs/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "../runtime/logger.js";
import { SimulatedClock } from "../runtime/simulated-clock.js";
import { tryPatiently } from "./catalog-patience.js";

describe("tryPatiently", () => {
  let clock: SimulatedClock;
  let tries: number;
  let stopping: AbortController;

  beforeEach(() => {
    [clock, tries, stopping] = [new SimulatedClock(), 0, new AbortController()];
  });

  /** Fails so often with the code, then opens. */
  function open(failures: number, code: ErrorCode = "catalog_unavailable") {
    const attempt = async () => {
      tries += 1;
      if (tries <= failures) throw new KoboldError(code, `try ${tries}`);
      return "opened";
    };
    const { signal } = stopping;
    const rest = { dsn: "sqlite:x", patienceMs: 10_000, clock, log: silentLogger, signal };
    return tryPatiently(attempt, rest).catch((error: unknown) => (error as Error).message);
  }

  it.each([
    ["starts later than the node", "catalog_unavailable"],
    ["others keep busy", "commit_contended"],
  ] as const)("waits for a database that %s", async (_what, code) => {
    const outcome = open(5, code);
    await clock.advance(6_000);
    expect(await outcome).toBe("opened");
    expect(tries).toBe(6);
  });

  it("gives up with the last error when it takes too long", async () => {
    const outcome = open(1_000);
    await clock.advance(11_000);
    expect(await outcome).toBe(`try ${tries}`);
    expect(tries).toBeLessThan(13);
  });

  it("does not try again what another try cannot mend", async () => {
    expect(await open(1, "catalog_not_durable")).toBe("try 1");
    expect(tries).toBe(1);
  });

  it("gives up when it is told to stop", async () => {
    const outcome = open(1_000);
    await clock.advance(2_000);
    stopping.abort(new Error("stopped"));
    expect(await outcome).toBe("stopped");
  });
});
