import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** ext4 does not reuse an inode within a minute, and each create walks over those that were deleted in the last one. */
const REST_AFTER_DELETE_MS = 60_000;
const MARKER = "last-cleaned";

/** A folder of its own for one run, inside `dataFolder`. */
export interface RunFolder {
  readonly path: string;
  /** Deletes everything the run wrote, and notes when, so that the next run can wait. */
  remove(): Promise<void>;
}

/** `rest` false does not wait: for runs whose figures mean nothing. */
export async function makeRunFolder(dataFolder: string, rest: boolean): Promise<RunFolder> {
  await mkdir(dataFolder, { recursive: true });
  const marker = join(dataFolder, MARKER);
  if (rest) await restAfterDelete(marker);
  const path = await mkdtemp(join(dataFolder, "run-"));
  // PostgreSQL refuses to run as root; the user it runs as must reach its own folder in here.
  await chmod(path, 0o755);
  return {
    path,
    remove: async () => {
      await rm(path, { recursive: true, force: true });
      await writeFile(marker, "");
    },
  };
}

async function restAfterDelete(marker: string): Promise<void> {
  const cleaned = await stat(marker).catch(() => undefined);
  const restMs = cleaned === undefined ? 0 : cleaned.mtimeMs + REST_AFTER_DELETE_MS - Date.now();
  if (restMs <= 0) return;
  process.stderr.write(
    `waiting ${Math.ceil(restMs / 1000)} s: creates are slow on ext4 just after the last run's clean-up\n`,
  );
  await new Promise((resolve) => setTimeout(resolve, restMs));
}
