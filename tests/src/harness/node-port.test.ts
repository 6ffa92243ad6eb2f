import { once } from "node:events";
import { createServer } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { findNodePort, portsOf } from "./node-port.js";

it("answers another port each time, none that is in use, and none that the system gives away by itself", async () => {
  const first = await findNodePort();
  const occupant = createServer().listen(first + 1, "127.0.0.1");
  onTestFinished(() => void occupant.close());
  await once(occupant, "listening");
  const next = [await findNodePort(), await findNodePort()];
  expect(next).not.toContain(first + 1);
  expect(new Set([first, ...next]).size).toBe(3);
  for (const port of [first, ...next]) expect(port).toBeLessThan(20_000);
});

it("gives the processes of one run ports that are far apart, whatever their ids", () => {
  for (const parent of [1, 7473, 32_001]) {
    const firsts = Array.from({ length: 5 }, (_, worker) => portsOf({ parent, worker }));
    expect(new Set(firsts).size).toBe(5);
    for (const first of firsts) expect(first).toBeLessThan(20_000);
  }
  expect(process.env["VITEST_POOL_ID"]).toMatch(/^\d+$/);
});
