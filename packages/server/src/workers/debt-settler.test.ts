import { type NodeId, parseDigest, parseNamespaceName } from "@koboldfs/protocol";
import { beforeEach, expect, it } from "vitest";
import type { Debt } from "../catalog/catalog.js";
import { SimulatedClock } from "../runtime/simulated-clock.js";
import { DebtSettler } from "./debt-settler.js";

let clock: SimulatedClock;
let settled: { atMs: number; count: number }[];
let ended: number;
let settler: DebtSettler;
beforeEach(() => {
  clock = new SimulatedClock();
  settled = [];
  ended = 0;
  const settleDebts = async (debts: readonly Debt[]) => {
    settled.push({ atMs: clock.elapsedMs, count: debts.length });
  };
  settler = new DebtSettler({ catalog: { settleDebts }, onEnd: () => void (ended += 1), clock });
});

function debtOf(number: number): Debt {
  const digest = parseDigest(number.toString(16).padStart(64, "0"));
  return { node: "aaaaaaaaaaaaaaaa" as NodeId, namespace: parseNamespaceName("demo"), digest, sizeBytes: 1, copies: 1 };
}

it("settles the first debt at once, and what comes soon after in one statement", async () => {
  for (let number = 0; number < 10; number += 1) {
    await settler.add(debtOf(number));
    await clock.advance(10);
  }
  await clock.advance(1_000);
  expect(settled).toEqual([
    { atMs: 0, count: 1 },
    { atMs: 100, count: 9 },
  ]);
  await settler.add(debtOf(10));
  await clock.advance(0);
  expect(settled.at(-1)).toEqual({ atMs: clock.elapsedMs, count: 1 });
  expect(ended).toBe(11);
});

it("does not rest while somebody waits for the end, or more wait than one statement settles", async () => {
  for (let number = 0; number < 3; number += 1) await settler.add(debtOf(number));
  await settler.drain();
  expect(ended).toBe(3);
  await settler.drain();
  for (let number = 0; number < 1_200; number += 1) await settler.add(debtOf(number));
  await settler.drain();
  expect(ended).toBe(1_203);
  expect(clock.elapsedMs).toBe(0);
});
