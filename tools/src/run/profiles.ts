import { PUBLISHED_PACKAGES } from "../workspace.js";
import type { Step } from "./step.js";

const tool = (name: string, ...args: string[]): readonly string[] => [
  process.execPath,
  `tools/dist/${name}.js`,
  ...args,
];
const bin = (name: string, ...args: string[]): readonly string[] => [`node_modules/.bin/${name}`, ...args];
const vitest = (...projects: string[]): readonly string[] =>
  bin("vitest", "run", ...projects.flatMap((project) => ["--project", project]));

/** All but tools/samples, whose faults are planted. */
const LINTED = ["vitest.config.ts", "packages", "tests", "bench", "examples", "tools/src"];

/** Everything quick. */
const CHECK: readonly Step[] = [
  { name: "types", command: ["npm", "run", "--silent", "build"], isFoundation: true },
  { name: "format", command: bin("biome", "format", ".") },
  { name: "lint", command: bin("oxlint", "--type-aware", "--deny-warnings", ...LINTED) },
  { name: "layers", command: tool("layers/check-layers") },
  { name: "dead code", command: bin("knip") },
  { name: "sizes", command: tool("checks/check-sizes") },
  { name: "words", command: tool("checks/check-words") },
  { name: "links", command: tool("checks/check-links") },
  { name: "generated documents", command: tool("documents/write-documents", "--check") },
  ...PUBLISHED_PACKAGES.map((folder) => ({
    name: `publint ${folder}`,
    command: bin("publint", "run", "--strict", folder),
  })),
  { name: "unit tests", command: vitest("unit"), isVitest: true },
];

/** What a run may be asked for, by name. */
export const PROFILES: Readonly<Record<string, readonly Step[]>> = {
  check: CHECK,
  test: [
    ...CHECK,
    { name: "whole processes", command: vitest("processes"), isVitest: true },
    { name: "database engines", command: vitest("engines"), isVitest: true },
    { name: "whole clusters", command: vitest("cluster pairs", "cluster"), isVitest: true },
  ],
  /** What a pull request should pass besides `npm test`. */
  "pull-request": [
    { name: "pack and install", command: tool("checks/check-packages") },
    { name: "soak of two minutes", command: [process.execPath, "tests/dist/soak/main.js", "--minutes", "2"] },
    { name: "benchmark runs", command: ["npm", "run", "--silent", "bench", "--", "--smoke"] },
  ],
};
