import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { estimateSecondsLeft } from "./time-left.js";

describe("estimateSecondsLeft", () => {
  it("goes by the number of small blobs and by the bytes of large ones", () => {
    const pace = { filesPerSecond: 100, bytesPerSecond: 1e6 };
    expect(estimateSecondsLeft({ files: 1_000, bytes: 4_000 }, pace)).toBe(10);
    expect(estimateSecondsLeft({ files: 10, bytes: 1e9 }, pace)).toBe(1_000);
  });

  it("knows nothing while nothing goes on, and that nothing takes no time", () => {
    const still = { filesPerSecond: 0, bytesPerSecond: 0 };
    expect(estimateSecondsLeft({ files: 1, bytes: 1 }, still)).toBeUndefined();
    expect(estimateSecondsLeft({ files: 0, bytes: 0 }, still)).toBe(0);
    expect(estimateSecondsLeft({ files: 3, bytes: 0 }, { filesPerSecond: 1, bytesPerSecond: 0 })).toBe(3);
  });

  it("never grows when less is left or more is done in a second", () => {
    const amount = fc.record({ files: fc.nat(1e6), bytes: fc.nat(1e9) });
    const pace = fc.record({ filesPerSecond: fc.integer({ min: 1, max: 1e4 }), bytesPerSecond: fc.nat(1e8) });
    fc.assert(
      fc.property(amount, pace, fc.nat(1e4), ({ files, bytes }, some, more) => {
        const base = estimateSecondsLeft({ files, bytes }, some) as number;
        const fewer = { files: Math.floor(files / 2), bytes: Math.floor(bytes / 2) };
        const faster = {
          filesPerSecond: some.filesPerSecond + more,
          bytesPerSecond: some.bytesPerSecond === 0 ? 0 : some.bytesPerSecond + more,
        };
        expect(estimateSecondsLeft(fewer, some)).toBeLessThanOrEqual(base);
        expect(estimateSecondsLeft({ files, bytes }, faster)).toBeLessThanOrEqual(base);
      }),
    );
  });
});
