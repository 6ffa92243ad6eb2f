import type { NodeId } from "@koboldfs/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { SimulatedClock } from "../runtime/simulated-clock.js";
import { PeerBudget } from "./peer-budget.js";

const [A, B] = ["aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"] as [NodeId, NodeId];
const SIGNAL = new AbortController().signal;

describe("PeerBudget", () => {
  let clock: SimulatedClock;
  let budget: PeerBudget;
  beforeEach(() => {
    clock = new SimulatedClock();
    budget = new PeerBudget({ clock, lanes: 2, bytesPerSecond: 1000 });
  });

  it("runs so many transfers from one peer at a time, in the order in which they came, and others beside them", async () => {
    const begun: string[] = [];
    const ends = new Map<string, () => void>();
    const begin = (peer: NodeId, name: string) =>
      budget.run(peer, () => {
        begun.push(name);
        return new Promise<void>((resolve) => void ends.set(name, resolve));
      });
    const running = ["a1", "a2", "a3", "a4"].map((name) => begin(A, name));
    const other = begin(B, "b1");
    await clock.advance(0);
    expect(begun).toEqual(["a1", "a2", "b1"]);
    ends.get("a1")?.();
    await clock.advance(0);
    expect(begun).toEqual(["a1", "a2", "b1", "a3"]);
    for (const name of ["a2", "a3", "b1"]) ends.get(name)?.();
    await clock.advance(0);
    expect(begun.at(-1)).toBe("a4");
    ends.get("a4")?.();
    await Promise.all([...running, other]);
  });

  it("runs fewer while this node or the peer serves clients, and as many as before when they are gone", async () => {
    let serves = 0;
    budget = new PeerBudget({ clock, lanes: 5, bytesPerSecond: 1000, serves: () => serves });
    const ends: (() => void)[] = [];
    const running: Record<NodeId, number> = { [A]: 0, [B]: 0 };
    const begin = (peer: NodeId) =>
      void budget.run(peer, async () => {
        running[peer] = (running[peer] ?? 0) + 1;
        await new Promise<void>((resolve) => void ends.push(resolve));
        running[peer] = (running[peer] ?? 0) - 1;
      });
    const endSome = async (count: number) => {
      for (const end of ends.splice(0, count)) end();
      await clock.advance(0);
    };
    for (let each = 0; each < 20; each += 1) begin(A);
    await clock.advance(0);
    expect(running[A]).toBe(5);
    serves = 4;
    await endSome(5);
    expect(running[A]).toBe(2);
    serves = 1;
    budget.sawSender(A, 3);
    for (let each = 0; each < 5; each += 1) begin(B);
    await endSome(1);
    expect(running).toEqual({ [A]: 2, [B]: 1 });
    serves = 100;
    await endSome(1);
    expect(running[A]).toBe(5);
    serves = 0;
    budget.sawSender(B, 0);
    await clock.advance(0);
    expect(running[B]).toBe(5);
    for (let each = 0; each < 5; each += 1) await endSome(ends.length);
    expect(running).toEqual({ [A]: 0, [B]: 0 });
  });

  it("gives the place of a transfer that failed to the next", async () => {
    const failing = budget.run(A, () => Promise.reject(new Error("planted")));
    await expect(failing).rejects.toThrow("planted");
    const places = [1, 2, 3].map((one) => budget.run(A, async () => one));
    expect(await Promise.all(places)).toEqual([1, 2, 3]);
  });

  it("holds bytes to the rate of each peer, however they come", async () => {
    let taken = 0;
    const take = async () => {
      for (let piece = 0; piece < 30; piece += 1) {
        await budget.took(A, 100, SIGNAL);
        taken += 100;
      }
    };
    const taking = Promise.all([take(), take()]);
    await clock.advance(3_000);
    expect(taken).toBeGreaterThanOrEqual(2_800);
    expect(taken).toBeLessThanOrEqual(3_300);
    const before = clock.elapsedMs;
    await budget.took(B, 10, SIGNAL);
    expect(clock.elapsedMs).toBe(before);
    await clock.advance(4_000);
    await taking;
    expect(taken).toBe(6_000);
  });

  it("lets a peer that keeps failing rest for longer and longer, until it gives something", async () => {
    const rests: number[] = [];
    for (let failure = 0; failure < 9; failure += 1) {
      budget.failed(A);
      budget.failed(A);
      const from = clock.elapsedMs;
      while (budget.isResting(A)) await clock.advance(250);
      rests.push(clock.elapsedMs - from);
    }
    expect(rests).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(budget.isResting(B)).toBe(false);
    await budget.took(A, 1, SIGNAL);
    budget.failed(A);
    await clock.advance(250);
    expect(budget.isResting(A)).toBe(false);
  });

  it("asks everybody again when nodes came back", () => {
    budget.failed(A);
    budget.forgive();
    expect(budget.isResting(A)).toBe(false);
  });
});
