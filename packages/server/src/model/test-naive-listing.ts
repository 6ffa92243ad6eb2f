import { compareKeys } from "./key-order.js";
import type { ListPlanQuery } from "./list-plan.js";

/** The listing as one would write it without caring for time: look at every key. */
export function listNaively(keys: readonly string[], query: ListPlanQuery) {
  const { prefix = "", delimiter, after, limit } = query;
  const entries: { name: string; isPrefix: boolean }[] = [];
  for (const key of keys.toSorted(compareKeys).filter((one) => one.startsWith(prefix))) {
    const index = delimiter === undefined ? -1 : key.indexOf(delimiter, prefix.length);
    const name = index < 0 || delimiter === undefined ? key : key.slice(0, index + delimiter.length);
    const isKnown = entries.some((entry) => entry.isPrefix && entry.name === name);
    if (!isKnown && (after === undefined || compareKeys(name, after) > 0)) entries.push({ name, isPrefix: index >= 0 });
  }
  const page = entries.slice(0, limit);
  return {
    files: page.filter((entry) => !entry.isPrefix).map((entry) => entry.name),
    prefixes: page.filter((entry) => entry.isPrefix).map((entry) => entry.name),
    next: entries.length > limit ? page.at(-1)?.name : undefined,
  };
}
