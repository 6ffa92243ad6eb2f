import { expect, it } from "vitest";
import { ClientTraffic } from "./client-traffic.js";
import { SimulatedClock } from "./simulated-clock.js";

it("is busy while requests come, and quiet a second or two after the last", async () => {
  const clock = new SimulatedClock();
  const traffic = new ClientTraffic(clock);
  expect(traffic.isBusy).toBe(false);
  for (let request = 0; request < 10; request += 1) {
    traffic.note();
    await clock.advance(250);
  }
  expect(traffic.isBusy).toBe(true);
  await clock.advance(2_000);
  expect(traffic.isBusy).toBe(false);
  traffic.note(100);
  expect(traffic.isBusy).toBe(true);
  await clock.advance(60_000);
  expect(traffic.isBusy).toBe(false);
});

it("does not take a probe every other second for clients", async () => {
  const clock = new SimulatedClock();
  const traffic = new ClientTraffic(clock);
  for (let probe = 0; probe < 10; probe += 1) {
    traffic.note(2);
    expect(traffic.isBusy).toBe(false);
    await clock.advance(2_000);
  }
});
