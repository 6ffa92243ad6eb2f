import { describe, expect, it } from "vitest";
import { ServerList } from "./server-list.js";

const NONE: ReadonlySet<string> = new Set();

describe("the list of servers", () => {
  it("prefers the first as long as it is well", () => {
    const list = new ServerList(["a", "b"], () => 0.5);
    expect([list.pick(NONE, 0), list.pick(NONE, 1), list.pick(new Set(["a"]), 2)]).toEqual(["a", "a", "b"]);
  });

  it("leaves a server that failed alone for a while, then lets a single request try it", () => {
    const list = new ServerList(["a", "b"], () => 0.5);
    list.reportFailure("a", 0);
    expect(list.pick(NONE, 999)).toBe("b");
    expect(list.pick(NONE, 1_000)).toBe("a");
    expect(list.pick(NONE, 1_001)).toBe("b");
  });

  it("doubles the pause with each failure in a row, up to half a minute, and forgets it with a success", () => {
    const list = new ServerList(["a", "b"], () => 0.5);
    let now = 0;
    const pauses: number[] = [];
    for (let failure = 0; failure < 7; failure += 1) {
      list.reportFailure("a", now);
      const from = now;
      while (list.pick(NONE, now) !== "a") now += 500;
      pauses.push(now - from);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    list.reportSuccess("a");
    list.reportFailure("a", now);
    expect(list.pick(NONE, now + 1_000)).toBe("a");
  });

  it("counts the failures of requests that were under way together once", () => {
    const list = new ServerList(["a", "b"], () => 0.5);
    for (let request = 0; request < 20; request += 1) list.reportFailure("a", request);
    expect(list.pick(NONE, 1_000)).toBe("a");
  });

  it("spreads the returns of many clients", () => {
    const early = new ServerList(["a", "b"], () => 0);
    const late = new ServerList(["a", "b"], () => 0.999);
    for (const list of [early, late]) list.reportFailure("a", 0);
    expect([early.pick(NONE, 800), late.pick(NONE, 800)]).toEqual(["a", "b"]);
  });

  it("asks the one whose pause ends first when all are paused, and none when all were tried", () => {
    const list = new ServerList(["a", "b"], () => 0.5);
    list.reportFailure("b", 0);
    list.reportFailure("a", 100);
    expect(list.pick(NONE, 200)).toBe("b");
    expect(list.pick(new Set(["a", "b"]), 200)).toBeUndefined();
  });
});
