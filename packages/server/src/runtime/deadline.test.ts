import { describe, expect, it } from "vitest";
import { withDeadline } from "./deadline.js";
import { SimulatedClock } from "./simulated-clock.js";

const late = () => new Error("too late");

describe("withDeadline", () => {
  it("answers with the work's result, and leaves no timer behind", async () => {
    const clock = new SimulatedClock();
    expect(await withDeadline(Promise.resolve(1), { clock, ms: 10, late })).toBe(1);
    expect(clock.sleeping).toBe(0);
  });

  it("fails as the work fails", async () => {
    const clock = new SimulatedClock();
    await expect(withDeadline(Promise.reject(new Error("broken")), { clock, ms: 10, late })).rejects.toThrow("broken");
    expect(clock.sleeping).toBe(0);
  });

  it("gives up on work that takes longer, and not before", async () => {
    const clock = new SimulatedClock();
    let failed: unknown;
    const never = new Promise<number>(() => {});
    const waiting = withDeadline(never, { clock, ms: 10, late }).catch((error: unknown) => {
      failed = error;
    });
    await clock.advance(9);
    expect(failed).toBeUndefined();
    await clock.advance(1);
    await waiting;
    expect(failed).toEqual(new Error("too late"));
  });

  it("swallows the failure of work that nobody waits for any more", async () => {
    const clock = new SimulatedClock();
    let fail = (_error: Error) => {};
    const work = new Promise<number>((_resolve, reject) => {
      fail = reject;
    });
    const waiting = withDeadline(work, { clock, ms: 10, late });
    const refused = expect(waiting).rejects.toThrow("too late");
    await clock.advance(10);
    await refused;
    fail(new Error("unheard"));
  });
});
