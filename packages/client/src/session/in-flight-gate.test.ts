import { describe, expect, it } from "vitest";
import { InFlightGate } from "./in-flight-gate.js";

describe("the gate of running operations", () => {
  it("lets in as many as its limit, and the others in the order in which they came", async () => {
    const gate = new InFlightGate(2);
    const log: string[] = [];
    await gate.enter();
    await gate.enter();
    const third = gate.enter().then(() => log.push("third"));
    const fourth = gate.enter().then(() => log.push("fourth"));
    await Promise.resolve();
    expect(log).toEqual([]);
    gate.leave();
    await third;
    gate.leave();
    await fourth;
    expect(log).toEqual(["third", "fourth"]);
  });

  it("lets go of one that gave up waiting, and does not give it a place later", async () => {
    const gate = new InFlightGate(1);
    const controller = new AbortController();
    await gate.enter();
    const waiting = gate.enter(controller.signal);
    controller.abort(new Error("no more"));
    await expect(waiting).rejects.toThrow("no more");
    gate.leave();
    await gate.enter();
  });
});
