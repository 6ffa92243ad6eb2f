import { CRASH_POINTS, type CrashPoint } from "@koboldfs/server/crash-points";
import { CRASH_DRIVERS, type CrashDriver } from "./crash-drivers.js";
import { HISTORY_DRIVERS } from "./history-drivers.js";
import { TRANSACTION_DRIVERS } from "./transaction-drivers.js";

/** One point and one way that leads to it. */
export interface CrashCase<Driver> {
  readonly point: CrashPoint;
  readonly who: string;
  readonly driver: Driver;
}

/** Parts whose points are met while a catalog is made: each in a cluster of its own. */
const STARTING_PARTS = ["migration"];

export const CRASH_CASES: readonly CrashCase<CrashDriver>[] = casesOf({
  ...CRASH_DRIVERS,
  transaction: TRANSACTION_DRIVERS,
});
export const HISTORY_CASES = casesOf(HISTORY_DRIVERS);
export const STARTING_POINTS: readonly CrashPoint[] = CRASH_POINTS.filter((point) =>
  STARTING_PARTS.includes(partOf(point)),
);

/** Where a command is killed that moves a catalog, or makes one from mirrors: one run after the other. */
export const MOVE_POINTS: readonly CrashPoint[] = [
  "rebuild.target.marked",
  "complete.locked",
  "rebuild.groups.written",
  "move.retired",
  "move.copied",
  "move.begun",
];
export const REBUILD_POINTS: readonly CrashPoint[] = [
  "rebuild.target.marked",
  "complete.locked",
  "rebuild.groups.written",
  "rebuild.journal.indexed",
  "rebuild.copies.checked",
  "rebuild.begun",
];

/** A new point of a part that has drivers is tested by itself; one of a new part shows up here. */
export function listUntestedPoints(): CrashPoint[] {
  const tested = new Set(
    [...CRASH_CASES, ...HISTORY_CASES].map(({ point }) => point).concat(STARTING_POINTS, MOVE_POINTS, REBUILD_POINTS),
  );
  return CRASH_POINTS.filter((point) => !tested.has(point));
}

function casesOf<Driver extends Pick<CrashDriver, "who" | "points">>(
  drivers: Readonly<Record<string, readonly Driver[]>>,
): CrashCase<Driver>[] {
  return CRASH_POINTS.flatMap((point) =>
    (drivers[partOf(point)] ?? [])
      .filter(({ points }) => points === undefined || points.includes(point))
      .map((driver) => ({ point, driver, who: driver.who })),
  );
}

function partOf(point: CrashPoint): string {
  return point.slice(0, point.indexOf("."));
}
