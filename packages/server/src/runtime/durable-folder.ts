import { dirname } from "node:path";
import type { FileSystem } from "./file-system.js";

/** Makes the folder and what is missing above it, each durable in its parent. Rejects with system errors. */
export async function makeDurableFolder(files: FileSystem, path: string): Promise<void> {
  try {
    await files.mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return;
    if (code !== "ENOENT" || dirname(path) === path) throw error;
    await makeDurableFolder(files, dirname(path));
    await files.mkdir(path);
  }
  await files.syncFolder(dirname(path));
}
