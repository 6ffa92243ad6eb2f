import type { TraceEvent } from "./parse-trace.js";

/** What one request makes a node do, by name: `file flushes`, `queries`, `allocated bytes` … */
export type Counts = Record<string, number>;

/** When the requests of one kind began, one after the other, and when the last one was over. */
export interface RequestTimes {
  readonly startsMs: readonly number[];
  readonly endMs: number;
}

const ALLOCATED = "allocated bytes";

/**
 * What one request makes a node do: of each count the mean over the middle half of the requests. What a node does by the clock
 * (heartbeats, looking for work) falls into a few of them only, however long they take on a machine that is busy.
 */
export function countRequests(events: readonly TraceEvent[], { startsMs, endMs }: RequestTimes): Counts {
  const ofRequests = startsMs.map(() => new Map<string, number>());
  let heap: { readonly request: number; readonly bytes: number } | undefined;
  const uncounted = new Set<number>();
  for (const { atMs, what, amount } of events) {
    const request = atMs > endMs ? -1 : startsMs.findLastIndex((startMs) => startMs <= atMs);
    const counts = ofRequests[request];
    if (what === "heap") {
      const grown = amount - (heap?.bytes ?? Number.NaN);
      heap = { request, bytes: amount };
      // A heap that shrank was collected: how much was allocated meanwhile nobody knows.
      if (counts !== undefined && grown >= 0) counts.set(ALLOCATED, (counts.get(ALLOCATED) ?? 0) + grown);
      else uncounted.add(request);
    } else counts?.set(what, (counts.get(what) ?? 0) + amount);
  }
  const names = [...new Set(ofRequests.flatMap((counts) => [...counts.keys()]))].sort();
  return Object.fromEntries(
    names.flatMap((name) => {
      const known = ofRequests.filter((_, request) => name !== ALLOCATED || !uncounted.has(request));
      const mean = middleMean(known.map((counts) => counts.get(name) ?? 0));
      return mean === 0 ? [] : [[name, mean]];
    }),
  );
}

/** The mean of the middle half. */
export function middleMean(values: readonly number[]): number {
  const quarter = Math.floor(values.length / 4);
  const middle = values.toSorted((left, right) => left - right).slice(quarter, values.length - quarter);
  return middle.reduce((sum, value) => sum + value, 0) / Math.max(middle.length, 1);
}
