import type { Stack } from "./cpu-profile.js";
import { layerOf } from "./layers.js";

const WIDTH = 1200;
const ROW = 17;
/** Narrower frames cannot be seen, and a picture of all of them has megabytes. */
const LEAST_WIDTH = 1.5;
/** Of the letters in a frame; what does not fit is left out. */
const LETTER = 6.2;

/** A colour for each layer, so that the picture shows at a glance whose time it is. */
const COLOURS: Readonly<Record<string, string>> = {
  HTTP: "#8fbcd4",
  catalog: "#e0a458",
  blobs: "#9dbf8a",
  "files and cluster": "#d7cf7a",
  "garbage collector": "#d98880",
};
const OTHER_COLOUR = "#cfcfcf";

interface Flame {
  readonly name: string;
  readonly layer: string;
  micros: number;
  readonly children: Map<string, Flame>;
}

/** An SVG in which each frame is as wide as its share of the time and stands on the one that called it. */
export function drawFlameGraph(title: string, stacks: readonly Stack[]): string {
  const root = gather(stacks);
  const boxes: string[] = [];
  let depth = 0;
  const draw = (flame: Flame, left: number, level: number): void => {
    const width = (WIDTH * flame.micros) / root.micros;
    if (width < LEAST_WIDTH) return;
    depth = Math.max(depth, level);
    boxes.push(box({ flame, left, level, width, share: flame.micros / root.micros }));
    let next = left;
    for (const child of [...flame.children.values()].toSorted((a, b) => b.micros - a.micros)) {
      draw(child, next, level + 1);
      next += (WIDTH * child.micros) / root.micros;
    }
  };
  draw(root, 0, 0);
  const height = (depth + 3) * ROW;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="monospace" font-size="10">`,
    `<text x="4" y="${ROW - 4}">${escape(title)}</text>`,
    `<g transform="translate(0 ${ROW})">`,
    ...boxes,
    "</g></svg>",
    "",
  ].join("\n");
}

function gather(stacks: readonly Stack[]): Flame {
  const root: Flame = { name: "all", layer: "", micros: 0, children: new Map() };
  for (const { frames, micros } of stacks) {
    let flame = root;
    flame.micros += micros;
    frames.forEach(({ name, url }, index) => {
      const layer = layerOf(frames.slice(0, index + 1));
      const key = `${name} ${url}`;
      const child = flame.children.get(key) ?? { name, layer, micros: 0, children: new Map<string, Flame>() };
      child.micros += micros;
      flame.children.set(key, child);
      flame = child;
    });
  }
  return root;
}

interface Box {
  readonly flame: Flame;
  readonly left: number;
  readonly level: number;
  readonly width: number;
  readonly share: number;
}

function box({ flame, left, level, width, share }: Box): string {
  const { name, layer } = flame;
  const place = `x="${left.toFixed(1)}" width="${width.toFixed(1)}" y="${level * ROW}" height="${ROW - 1}"`;
  const label = name.slice(0, Math.floor(width / LETTER));
  const text =
    label.length < 3 ? "" : `<text x="${(left + 2).toFixed(1)}" y="${level * ROW + 12}">${escape(label)}</text>`;
  const said = escape(`${name}: ${(share * 100).toFixed(1)} %${layer === "" ? "" : ` (${layer})`}`);
  return `<g><title>${said}</title><rect ${place} fill="${COLOURS[layer] ?? OTHER_COLOUR}"/>${text}</g>`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
