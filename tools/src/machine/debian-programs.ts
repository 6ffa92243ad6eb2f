import { execFile } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { tmpdir } from "node:os";
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
  /** What else the packages must have brought: libraries, by path. */
  readonly files?: readonly string[];
}

/**
 * The programs' paths, in order; Debian's packages are installed now when one is missing and we are root. Otherwise why
 * there is none: a skip, and in CI an error.
 */
export async function findOrInstallPrograms(wanted: DebianPrograms): Promise<readonly string[] | Skip> {
  const found = findAll(wanted) ?? (await install(wanted));
  if ("skip" in found && process.env["CI"] === "true") throw new Error(`${found.skip} (never skipped in CI)`);
  return found;
}

async function install(wanted: DebianPrograms): Promise<readonly string[] | Skip> {
  const { name, packages } = wanted;
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
  return findAll(wanted) ?? { skip: `${name} is not installed, even after '${command}'` };
}

async function runAptGet(...args: string[]): Promise<void> {
  // Files of tests that run at the same time may want packages at the same time, and only dpkg waits for its lock: the
  // update of the lists fails instead. flock is of util-linux, as every Debian has it.
  const command = ["apt-get", "-q", "-y", "-o", `DPkg::Lock::Timeout=${LOCK_TIMEOUT_SECONDS}`, ...args];
  await promisify(execFile)("flock", [join(tmpdir(), "koboldfs-apt.lock"), ...command], {
    // In the first runlevel, so Debian thinks, no service is started: a database of tests is started by its test.
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" },
  });
}

function findAll({ programs, files = [] }: DebianPrograms): readonly string[] | undefined {
  return files.every((file) => existsSync(file)) ? findPrograms(programs) : undefined;
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
