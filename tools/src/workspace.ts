import { existsSync, readdirSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the checkout. */
export const WORKSPACE_ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Folders of packages, relative to the root: those that are published, then the private ones. */
export const PUBLISHED_PACKAGES = readdirSync(join(WORKSPACE_ROOT, "packages")).map((name) => `packages/${name}`);
export const ALL_PACKAGES = [...PUBLISHED_PACKAGES, "tests", "bench", "examples", "tools"];

const NOT_OURS = new Set(["node_modules", "dist", ".git", ".run", ".bench", "coverage", "koboldfs-demo", "samples"]);

/** Every file of `folder` (relative to `root`) that we wrote, as sorted paths relative to `root` with slashes. */
export async function listOwnFiles(folder: string, extension: string, root = WORKSPACE_ROOT): Promise<string[]> {
  const start = join(root, folder);
  if (!existsSync(start)) return [];
  const found: string[] = [];
  for (const entry of await readdir(start, { withFileTypes: true })) {
    const path = join(start, entry.name);
    if (entry.isDirectory() && !NOT_OURS.has(entry.name)) {
      found.push(...(await listOwnFiles(relative(root, path), extension, root)));
    } else if (entry.isFile() && entry.name.endsWith(extension)) {
      found.push(relative(root, path).split(sep).join("/"));
    }
  }
  return found.toSorted();
}

/** Every TypeScript source of every package. */
export async function listSources(): Promise<string[]> {
  const lists = await Promise.all(ALL_PACKAGES.map((folder) => listOwnFiles(`${folder}/src`, ".ts")));
  return lists.flat();
}
