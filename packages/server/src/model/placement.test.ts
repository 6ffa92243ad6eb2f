import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { orderForPlacement, orderForReading, type PlacementCandidate } from "./placement.js";

const candidate = fc.record({
  zone: fc.constantFrom("a", "b", "c"),
  freeBytes: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 2 ** 45 })),
  failedLately: fc.boolean(),
});
const candidates = fc.array(candidate, { maxLength: 12 });
const randoms = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1 });

function replay(values: readonly number[]): () => number {
  let next = 0;
  return () => values[next++ % values.length] ?? 0;
}

/** Whether all nodes that satisfy the test come before all that do not. */
function allBefore(nodes: readonly PlacementCandidate[], first: (node: PlacementCandidate) => boolean): boolean {
  const firstOther = nodes.findIndex((node) => !first(node));
  return firstOther === -1 || nodes.slice(firstOther).every((node) => !first(node));
}

describe("orderForPlacement", () => {
  it("neither loses nor invents a node", () => {
    fc.assert(
      fc.property(candidates, randoms, (nodes, values) => {
        const ordered = orderForPlacement(nodes, "a", replay(values));
        expect(new Set(ordered)).toEqual(new Set(nodes));
        expect(ordered).toHaveLength(nodes.length);
      }),
    );
  });

  it("asks nodes that failed lately last", () => {
    fc.assert(
      fc.property(candidates, randoms, (nodes, values) => {
        expect(allBefore(orderForPlacement(nodes, "a", replay(values)), (node) => !node.failedLately)).toBe(true);
      }),
    );
  });

  it("asks other zones before its own", () => {
    fc.assert(
      fc.property(candidates, randoms, (nodes, values) => {
        const healthy = orderForPlacement(nodes, "a", replay(values)).filter((node) => !node.failedLately);
        expect(allBefore(healthy, (node) => node.zone !== "a")).toBe(true);
      }),
    );
  });

  it("asks a full node behind those of its zone that have room", () => {
    fc.assert(
      fc.property(candidates, randoms, (nodes, values) => {
        const alike = nodes.map((node) => ({ ...node, zone: "b", failedLately: false }));
        expect(allBefore(orderForPlacement(alike, "a", replay(values)), (node) => node.freeBytes > 0)).toBe(true);
      }),
    );
  });

  it("prefers the emptier node in proportion to its free space, and does not always choose it", () => {
    const big = { zone: "b", freeBytes: 3e12, failedLately: false };
    const small = { zone: "b", freeBytes: 1e12, failedLately: false };
    const draws = 1000;
    let state = 1;
    const random = () => {
      // Park and Miller's generator: the same draws in every run.
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647;
    };
    const bigFirst = Array.from({ length: draws }, () => orderForPlacement([small, big], "a", random)[0]).filter(
      (node) => node === big,
    );
    expect(bigFirst.length).toBeGreaterThan(draws * 0.7);
    expect(bigFirst.length).toBeLessThan(draws * 0.8);
  });
});

describe("orderForReading", () => {
  it("asks healthy nodes first, and the nearest of them", () => {
    fc.assert(
      fc.property(candidates, randoms, (nodes, values) => {
        const ordered = orderForReading(nodes, "a", replay(values));
        expect(new Set(ordered)).toEqual(new Set(nodes));
        expect(allBefore(ordered, (node) => !node.failedLately)).toBe(true);
        const healthy = ordered.filter((node) => !node.failedLately);
        expect(allBefore(healthy, (node) => node.zone === "a")).toBe(true);
      }),
    );
  });
});
