import { afterEach, beforeEach, describe } from "vitest";
import { describeAborts } from "./conformance/aborts.js";
import { describeAnnouncements } from "./conformance/announcements.js";
import { describeDamage } from "./conformance/damage.js";
import { describeMemory } from "./conformance/memory.js";
import { describeRanges } from "./conformance/ranges.js";
import { describeRoundTrips } from "./conformance/round-trips.js";
import type { TestedStore } from "./conformance/test-blobs.js";

export interface ConformanceOptions {
  /** Why the store may hold whole blobs in memory; such a store is not tested for using little of it. */
  readonly holdsBlobsInMemoryBecause?: string;
}

/** What every blob store promises. Each implementation runs this beside its own tests. */
export function describeBlobStoreConformance(
  name: string,
  makeStore: () => Promise<TestedStore>,
  options: ConformanceOptions = {},
): void {
  describe(`${name} as a blob store`, () => {
    let tested: TestedStore;
    beforeEach(async () => {
      tested = await makeStore();
    });
    afterEach(() => tested.close());
    const get = () => tested;
    describeRoundTrips(() => tested.store);
    describeRanges(() => tested.store);
    describeAnnouncements(get);
    describeAborts(get);
    describeDamage(get);
    describeMemory(() => tested.store, options.holdsBlobsInMemoryBecause);
  });
}
