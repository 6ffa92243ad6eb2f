import { expect, it } from "vitest";
import type { Frame, Stack } from "./cpu-profile.js";
import { drawFlameGraph } from "./flame-graph.js";
import { layerOf } from "./layers.js";
import { formatProfile } from "./profile-table.js";

const ours = (path: string): Frame => ({ name: "work", url: `file:///x/packages/server/dist/${path}.js` });
const native = (name: string): Frame => ({ name, url: "" });
const inNode = (url: string): Frame => ({ name: "step", url });

it.each<[string, Frame[]]>([
  ["catalog", [ours("http/read-file"), ours("catalog/sql/sql-catalog"), native("statementGetSync")]],
  ["catalog", [ours("mirror/sqlite/stored-mirror")]],
  ["blobs", [ours("files/put-file"), ours("blobs/disk/disk-write"), inNode("node:internal/streams/readable")]],
  ["HTTP", [inNode("node:net"), native("writev")]],
  ["HTTP", [{ name: "route", url: "file:///x/node_modules/fastify/lib/route.js" }]],
  ["files and cluster", [ours("http/write-file"), ours("model/decide-put")]],
  ["garbage collector", [ours("http/write-file"), native("(garbage collector)")]],
  ["Node and V8 besides", [inNode("node:internal/timers"), native("(program)")]],
])("counts as %s what its innermost frame of a layer says", (layer, frames) => {
  expect(layerOf(frames)).toBe(layer);
});

const STACKS: Stack[] = [
  { frames: [ours("http/read-file"), native("writev")], micros: 600 },
  { frames: [ours("http/read-file")], micros: 150 },
  { frames: [ours("blobs/disk/disk-read")], micros: 250 },
];

it("has the layers in the order of their time, and the functions on top", () => {
  expect(formatProfile(STACKS, 10)).toBe(
    [
      "| layer | µs a request | share | on top |",
      "|---|--:|--:|---|",
      "| HTTP | 75.0 | 75.0 % | `writev` 60.0 %, `work` (read-file) 15.0 % |",
      "| blobs | 25.0 | 25.0 % | `work` (disk-read) 25.0 % |",
      "| all | 100.0 | 100 % | |",
      "",
    ].join("\n"),
  );
});

it("draws a frame as wide as its share, on the one that called it", () => {
  const boxes = [
    ...drawFlameGraph("a < b", STACKS).matchAll(/<title>(.*?)<\/title><rect x="(.*?)" width="(.*?)" y="(.*?)"/g),
  ];
  expect(boxes.map((box) => box.slice(1))).toEqual([
    ["all: 100.0 %", "0.0", "1200.0", "0"],
    ["work: 75.0 % (HTTP)", "0.0", "900.0", "17"],
    ["writev: 60.0 % (HTTP)", "0.0", "720.0", "34"],
    ["work: 25.0 % (blobs)", "900.0", "300.0", "17"],
  ]);
  expect(drawFlameGraph("a < b", STACKS)).toContain("a &lt; b");
});
