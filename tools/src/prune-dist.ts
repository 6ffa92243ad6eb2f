import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ALL_PACKAGES, WORKSPACE_ROOT } from "./workspace.js";

const OUTPUT_SUFFIX = /(\.d\.ts|\.js)(\.map)?$/;

/**
 * Removes what `tsc` once wrote and would not write now, because its source is gone: a deleted test would run on,
 * a deleted module would still be found. Answers the removed paths.
 */
export async function pruneDist(packageFolder: string): Promise<string[]> {
  const dist = join(packageFolder, "dist");
  if (!existsSync(dist)) return [];
  const outputs = (await readdir(dist, { recursive: true })).filter((path) => OUTPUT_SUFFIX.test(path));
  const orphans = outputs.filter((path) => {
    const source = join(packageFolder, "src", path.replace(OUTPUT_SUFFIX, ""));
    return !existsSync(`${source}.ts`);
  });
  await Promise.all(orphans.map((path) => rm(join(dist, path))));
  return orphans;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const folder of ALL_PACKAGES) await pruneDist(join(WORKSPACE_ROOT, folder));
}
