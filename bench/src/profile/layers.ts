import type { Frame } from "./cpu-profile.js";

/** Whose work a stack is: that of its innermost frame that is written somewhere. The first that fits counts. */
const LAYERS: readonly (readonly [layer: string, urls: RegExp])[] = [
  ["catalog", /\/packages\/server\/dist\/(catalog|mirror)\/|\/node_modules\/(libsql|@libsql|@neon-rs|kysely)\//],
  [
    "blobs",
    /\/packages\/server\/dist\/(blobs|runtime\/(file-system|durable-folder))|\/node_modules\/lru-cache\/|^node:(internal\/)?fs/,
  ],
  ["HTTP", /\/packages\/server\/dist\/(http|auth)\/|^node:(_?http|_?net|internal\/(http|net)|_stream)/],
  ["HTTP", /\/node_modules\/(fastify|@fastify|find-my-way|undici|light-my-request|secure-json-parse|fast-[a-z-]+)\//],
  ["files and cluster", /\/packages\/(server\/dist|protocol)\//],
];
/** Timers, promises, event emitters, streams: they work for whoever called them. */
const NOBODY = /^node:/;

export const GARBAGE = "garbage collector";
export const RUNTIME = "Node and V8 besides";

/** The layer of a stack, outermost frame first. */
export function layerOf(frames: readonly Frame[]): string {
  if (frames.at(-1)?.name === "(garbage collector)") return GARBAGE;
  for (const { url } of frames.toReversed()) {
    const layer = LAYERS.find(([, urls]) => urls.test(url))?.[0];
    if (layer !== undefined) return layer;
    if (url !== "" && !NOBODY.test(url)) break;
  }
  return RUNTIME;
}
