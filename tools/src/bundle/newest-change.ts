import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** When the newest of a folder's JavaScript files was written, in milliseconds since 1970; 0 when there is none. */
export async function newestChange(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true });
  const scripts = names.filter((name) => name.endsWith(".js"));
  const times = await Promise.all(scripts.map(async (name) => (await stat(join(folder, name))).mtimeMs));
  return Math.max(0, ...times);
}
