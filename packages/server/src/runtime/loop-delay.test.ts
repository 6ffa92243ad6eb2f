import { expect, it } from "vitest";
import { LoopDelay } from "./loop-delay.js";
import { SimulatedClock } from "./simulated-clock.js";

/** Its timers come as late as it is told to make them. */
class BusyClock extends SimulatedClock {
  busyMs = 0;

  override monotonic(): number {
    return super.monotonic() + this.busyMs;
  }
}

it("counts how late each timer was, and forgets nothing when somebody looks", async () => {
  const clock = new BusyClock();
  const delay = new LoopDelay(clock);
  delay.start();
  await clock.advance(300);
  expect(delay.counts()).toMatchObject({ count: 3, sumSeconds: 0 });
  clock.busyMs += 200;
  await clock.advance(100);
  clock.busyMs += 9000;
  await clock.advance(100);
  const { buckets, count, sumSeconds } = delay.counts();
  expect([count, sumSeconds]).toEqual([5, 9.2]);
  const counted = Object.fromEntries(buckets.map((bucket) => [bucket.seconds, bucket.count]));
  expect(counted).toMatchObject({ 0.005: 3, 0.1: 3, 0.25: 4, 2.5: 4 });
  expect(delay.counts().count).toBe(5);
});

it("ends when it is told to", async () => {
  const clock = new SimulatedClock();
  const delay = new LoopDelay(clock);
  delay.start();
  await clock.advance(200);
  delay.stop();
  await clock.advance(200);
  expect(delay.counts().count).toBe(2);
  expect(clock.sleeping).toBe(0);
});
