import type { Frame, Stack } from "./cpu-profile.js";
import { layerOf } from "./layers.js";

/** So many of the most expensive functions of each layer are named. */
const NAMED_FRAMES = 5;
/** What is less than this share of the whole is not worth a name. */
const LEAST_SHARE = 0.005;

/** A Markdown table: for each layer its microseconds a request, its share, and the functions on top of the stack most of the time. */
export function formatProfile(stacks: readonly Stack[], requests: number): string {
  const total = sum(stacks);
  const layers = groupBy(stacks, ({ frames }) => layerOf(frames));
  const rows = [...layers]
    .map(([layer, own]) => ({ layer, own, micros: sum(own) }))
    .toSorted((left, right) => right.micros - left.micros)
    .map(({ layer, own, micros }) => {
      const top = topFrames(own, total).map(([name, part]) => `${name} ${share(part, total)}`);
      return `| ${layer} | ${perRequest(micros, requests)} | ${share(micros, total)} | ${top.join(", ")} |`;
    });
  const last = `| all | ${perRequest(total, requests)} | 100 % | |`;
  return ["| layer | µs a request | share | on top |", "|---|--:|--:|---|", ...rows, last, ""].join("\n");
}

function topFrames(stacks: readonly Stack[], total: number): [string, number][] {
  const named = groupBy(stacks, ({ frames }) => nameOf(frames.at(-1)));
  return [...named]
    .map(([name, own]): [string, number] => [name, sum(own)])
    .filter(([, micros]) => micros >= total * LEAST_SHARE)
    .toSorted(([, left], [, right]) => right - left)
    .slice(0, NAMED_FRAMES);
}

/** With its file, where that is ours: `read (disk-read)`. */
function nameOf(frame: Frame | undefined): string {
  if (frame === undefined) return "?";
  const file = /([^/]+)\.js$/.exec(frame.url)?.[1];
  return file === undefined ? `\`${frame.name}\`` : `\`${frame.name}\` (${file})`;
}

function groupBy(stacks: readonly Stack[], keyOf: (stack: Stack) => string): Map<string, Stack[]> {
  const groups = new Map<string, Stack[]>();
  for (const stack of stacks) groups.set(keyOf(stack), [...(groups.get(keyOf(stack)) ?? []), stack]);
  return groups;
}

function sum(stacks: readonly Stack[]): number {
  return stacks.reduce((micros, stack) => micros + stack.micros, 0);
}

function share(part: number, total: number): string {
  return `${((100 * part) / Math.max(total, 1)).toFixed(1)} %`;
}

function perRequest(micros: number, requests: number): string {
  return (micros / requests).toFixed(1);
}
