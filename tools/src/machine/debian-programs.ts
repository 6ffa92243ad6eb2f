import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Skip } from "./skip.js";

/** Where Debian puts servers, though not every user's PATH says so. */
const SYSTEM_FOLDERS = ["/usr/sbin", "/usr/local/sbin", "/usr/bin"];
/** Somebody else (unattended upgrades, another run) may hold dpkg's lock for a while. */
const LOCK_TIMEOUT_SECONDS = 120;

/** Programs that come together, and the Debian packages that hold them. */
export interface DebianPrograms {
  readonly name: string;
  readonly programs: readonly string[];
  readonly packages: readonly string[];
}

/**
 * The programs' paths, in order; Debian's packages are installed now when one is missing and we are root. Otherwise why
 * there is none: a skip, and in CI an error.
 */
export async function findOrInstallPrograms(wanted: DebianPrograms): Promise<readonly string[] | Skip> {
  const found = findPrograms(wanted.programs) ?? (await install(wanted));
  if ("skip" in found && process.env["CI"] === "true") throw new Error(`${found.skip} (never skipped in CI)`);
  return found;
}

async function install({ name, programs, packages }: DebianPrograms): Promise<readonly string[] | Skip> {
  const command = `apt-get install ${packages.join(" ")}`;
  if (process.getuid?.() !== 0 || findProgram("apt-get") === undefined) {
    return { skip: `${name} is not installed: run '${command}' as root` };
  }
  try {
    await runAptGet("update");
    await runAptGet("install", "--no-install-recommends", ...packages);
  } catch (error) {
    return { skip: `${name} is not installed and '${command}' failed: ${String(error).slice(0, 500)}` };
  }
  return findPrograms(programs) ?? { skip: `${name} is not installed, even after '${command}'` };
}

async function runAptGet(...args: string[]): Promise<void> {
  await promisify(execFile)("apt-get", ["-q", "-y", "-o", `DPkg::Lock::Timeout=${LOCK_TIMEOUT_SECONDS}`, ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
}

function findPrograms(names: readonly string[]): readonly string[] | undefined {
  const paths = names.map(findProgram).filter((path) => path !== undefined);
  return paths.length === names.length ? paths : undefined;
}

function findProgram(name: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(":").filter(Boolean), ...SYSTEM_FOLDERS];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
