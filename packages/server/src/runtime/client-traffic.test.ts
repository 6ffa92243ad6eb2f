import { beforeEach, expect, it } from "vitest";
import { ClientTraffic } from "./client-traffic.js";
import { SimulatedClock } from "./simulated-clock.js";

let clock: SimulatedClock;
let traffic: ClientTraffic;
beforeEach(() => {
  clock = new SimulatedClock();
  traffic = new ClientTraffic(clock);
});

it("says how many requests ran at once while they come, and nothing a second or two after the last", async () => {
  expect(traffic.atOnce).toBe(0);
  for (let round = 0; round < 10; round += 1) {
    for (let request = 0; request < 3; request += 1) traffic.begin();
    for (let request = 0; request < 3; request += 1) traffic.end();
    await clock.advance(250);
  }
  expect(traffic.atOnce).toBe(3);
  await clock.advance(2_000);
  expect(traffic.atOnce).toBe(0);
  traffic.note(100);
  expect(traffic.atOnce).toBe(1);
  await clock.advance(60_000);
  expect(traffic.atOnce).toBe(0);
});

it("does not take a probe every other second for clients, nor those who take hours for one file", async () => {
  for (let download = 0; download < 20; download += 1) traffic.begin();
  expect(traffic.atOnce).toBe(20);
  await clock.advance(2_000);
  for (let probe = 0; probe < 10; probe += 1) {
    traffic.note(2);
    expect(traffic.atOnce).toBe(0);
    await clock.advance(2_000);
  }
});
