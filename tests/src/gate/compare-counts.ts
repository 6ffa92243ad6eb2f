import type { Counts } from "./count-requests.js";

/** Counts by what is counted: `put 4 KiB: its peer` and so on. */
export type CountTable = Readonly<Record<string, Counts>>;

/** Recorded counts, as `recorded-counts.json` has them. */
export interface RecordedCounts {
  /** The Node release that they were counted with: another one makes other calls and other objects for the same work. */
  readonly nodeMajor: number;
  readonly counts: CountTable;
}

export const RECORD_COMMAND = "npm run gate -- --record";

/**
 * How much a count may differ from run to run: calls are whole numbers in nearly all requests, and one more in each is
 * what the gate is for. How much is allocated depends on what V8 has compiled by then.
 */
const TOLERANCES = {
  calls: { share: 0.03, least: 0.4 },
  "allocated bytes": { share: 0.2, least: 4096 },
};

/** A sentence for each count that grew, or that nobody recorded. What became less is welcome. */
export function findGrowth(recorded: CountTable, measured: CountTable): string[] {
  const growths = Object.entries(measured).flatMap(([kind, counts]) =>
    Object.entries(counts).flatMap(([name, now]) => {
      const before = recorded[kind]?.[name] ?? 0;
      const { share, least } = name === "allocated bytes" ? TOLERANCES[name] : TOLERANCES.calls;
      if (now <= before + Math.max(least, before * share)) return [];
      return [
        `${kind}: ${name} of one request grew from ${format(before)} to ${format(now)}; ` +
          `if that is meant, record it with '${RECORD_COMMAND}'`,
      ];
    }),
  );
  const missing = Object.keys(recorded).filter((kind) => measured[kind] === undefined);
  return [...growths, ...missing.map((kind) => `${kind}: recorded, but no longer counted`)];
}

/** As it is recorded: calls to hundredths, bytes to hundreds. */
export function roundCounts(table: CountTable): CountTable {
  const round = (name: string, value: number) =>
    name === "allocated bytes" ? Math.round(value / 100) * 100 : Math.round(value * 100) / 100;
  return Object.fromEntries(
    Object.entries(table).map(([kind, counts]) => [
      kind,
      Object.fromEntries(Object.entries(counts).map(([name, value]) => [name, round(name, value)])),
    ]),
  );
}

function format(count: number): string {
  return String(Math.round(count * 100) / 100);
}
