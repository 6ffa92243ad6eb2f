import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { pruneDist } from "./prune-dist.js";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "koboldfs-prune-"));
});
afterEach(() => rm(folder, { recursive: true }));

it("removes outputs whose source is gone and keeps everything else", async () => {
  await mkdir(join(folder, "src/deep"), { recursive: true });
  await mkdir(join(folder, "dist/deep"), { recursive: true });
  await writeFile(join(folder, "src/deep/kept.ts"), "");
  for (const name of ["kept", "gone"]) {
    for (const suffix of [".js", ".js.map", ".d.ts", ".d.ts.map"]) {
      await writeFile(join(folder, "dist/deep", `${name}${suffix}`), "");
    }
  }
  await writeFile(join(folder, "dist/.tsbuildinfo"), "");
  await pruneDist(folder);
  const deep = await readdir(join(folder, "dist/deep"));
  expect(deep.toSorted()).toEqual(["kept.d.ts", "kept.d.ts.map", "kept.js", "kept.js.map"]);
  expect(await readdir(join(folder, "dist"))).toContain(".tsbuildinfo");
});

it("does nothing for a package that was never built", async () => {
  expect(await pruneDist(folder)).toEqual([]);
});
