import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findRegisterFault, type RegisterOperation } from "./check-register.js";

function write(startMs: number, endMs: number | undefined, value: string | undefined): RegisterOperation {
  return { kind: "write", value, startMs, endMs };
}

function read(startMs: number, endMs: number, value?: string): RegisterOperation {
  return { kind: "read", value, startMs, endMs };
}

describe("findRegisterFault accepts", () => {
  const good: [string, RegisterOperation[]][] = [
    ["nothing at all", []],
    ["reads that follow writes", [read(0, 1), write(2, 3, "a"), read(4, 5, "a"), write(6, 7, undefined), read(8, 9)]],
    [
      "a read beside a write that sees the old value",
      [write(0, 1, "a"), write(2, 9, "b"), read(3, 4, "a"), read(5, 6, "b")],
    ],
    ["two writes at once in either order", [write(0, 9, "a"), write(1, 8, "b"), read(10, 11, "a"), read(12, 13, "a")]],
    [
      "a write without an answer that happened",
      [write(0, 1, "a"), write(2, undefined, "b"), read(4, 5, "a"), read(6, 7, "b")],
    ],
    ["a write without an answer that never happened", [write(0, 1, "a"), write(2, undefined, "b"), read(4, 5, "a")]],
    [
      "a deletion without an answer that happened late",
      [write(0, 1, "a"), write(2, undefined, undefined), read(4, 5, "a"), read(6, 7)],
    ],
  ];

  it.each(good)("%s", (_name, history) => {
    expect(findRegisterFault(history)).toBeUndefined();
  });
});

describe("findRegisterFault finds", () => {
  const bad: [string, RegisterOperation[]][] = [
    ["a value that nobody wrote", [read(0, 1, "a")]],
    ["a write that vanished", [write(0, 1, "a"), read(2, 3)]],
    ["a stale read", [write(0, 1, "a"), write(2, 3, "b"), read(4, 5, "a")]],
    ["reads that go back beside a write", [write(0, 1, "a"), write(2, 9, "b"), read(3, 4, "b"), read(5, 6, "a")]],
    ["a deleted value that came back", [write(0, 1, "a"), write(2, 3, undefined), read(4, 5, "a")]],
    [
      "a value that came back after an unanswered deletion was seen",
      [write(0, 1, "a"), write(2, undefined, undefined), read(4, 5), read(6, 7, "a")],
    ],
    ["an unanswered write that was seen before it began", [read(0, 1, "a"), write(2, undefined, "a")]],
    [
      "two readers who saw two writes in different orders",
      [write(0, 9, "a"), write(0, 9, "b"), read(1, 2, "a"), read(3, 4, "b"), read(5, 6, "a")],
    ],
  ];

  it.each(bad)("%s", (_name, history) => {
    expect(findRegisterFault(history)).toMatch(/none of these can follow/);
  });
});

/** A history as clients of a real register would see it: each operation happens at one moment between start and end. */
const happened = fc
  .array(
    fc.record({
      kind: fc.constantFrom("write" as const, "write" as const, "delete" as const, "read" as const, "read" as const),
      atMs: fc.integer({ min: 0, max: 40 }),
      beforeMs: fc.integer({ min: 0, max: 6 }),
      afterMs: fc.integer({ min: 0, max: 6 }),
      isAnswered: fc.boolean(),
      happens: fc.boolean(),
    }),
    { maxLength: 14 },
  )
  .map((drawn) => {
    let value: string | undefined;
    const history: RegisterOperation[] = [];
    for (const [index, { kind, atMs, beforeMs, afterMs, isAnswered, happens }] of drawn
      .toSorted((a, b) => a.atMs - b.atMs)
      .entries()) {
      // No two at one moment.
      const at = atMs + index / 100;
      const times = { startMs: at - beforeMs, endMs: at + afterMs };
      if (kind === "read") {
        history.push({ kind, value, ...times });
        continue;
      }
      const written = kind === "delete" ? undefined : `value ${index}`;
      if (isAnswered || happens) value = written;
      history.push({
        kind: "write",
        value: written,
        startMs: times.startMs,
        endMs: isAnswered ? times.endMs : undefined,
      });
    }
    return history;
  });

/** Tries every order: what the search must agree with, on histories so short that this ends. */
function hasOrder(rest: readonly RegisterOperation[], value: string | undefined): boolean {
  const certain = rest.filter(({ endMs }) => endMs !== undefined);
  if (certain.length === 0) return true;
  const deadlineMs = Math.min(...certain.map(({ endMs = 0 }) => endMs));
  return rest.some((operation) => {
    if (operation.startMs > deadlineMs) return false;
    const others = rest.filter((other) => other !== operation);
    if (operation.kind === "write") return hasOrder(others, operation.value);
    return operation.value === value && hasOrder(others, value);
  });
}

describe("findRegisterFault", () => {
  it("accepts everything that a real register can show", () => {
    fc.assert(
      fc.property(happened, (history) => {
        expect(findRegisterFault(history)).toBeUndefined();
      }),
      { numRuns: 2000 },
    );
  });

  it("agrees with a search of all orders on histories in which reads see anything", () => {
    const values = fc.constantFrom(undefined, "a", "b", "c");
    const operation = fc.record({
      isWrite: fc.boolean(),
      value: values,
      startMs: fc.integer({ min: 0, max: 9 }),
      lengthMs: fc.integer({ min: 1, max: 5 }),
      isAnswered: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 6 }), (drawn) => {
        const written = new Set<string>();
        const history = drawn.flatMap(({ isWrite, value, startMs, lengthMs, isAnswered }): RegisterOperation[] => {
          if (!isWrite) return [read(startMs, startMs + lengthMs, value)];
          if (value !== undefined && written.has(value)) return [];
          if (value !== undefined) written.add(value);
          return [write(startMs, isAnswered ? startMs + lengthMs : undefined, value)];
        });
        expect(findRegisterFault(history) === undefined).toBe(hasOrder(history, undefined));
      }),
      { numRuns: 5000 },
    );
  });

  it("ends soon on a thousand operations from many sides", () => {
    const history: RegisterOperation[] = [];
    for (let turn = 0; turn < 250; turn += 1) {
      for (let lane = 0; lane < 3; lane += 1) history.push(write(turn * 10 + lane, turn * 10 + 8, `${turn} ${lane}`));
      history.push(read(turn * 10 + 8.5, turn * 10 + 9, `${turn} 1`));
    }
    expect(findRegisterFault(history)).toBeUndefined();
  });
});
