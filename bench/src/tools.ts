import { execFileSync } from "node:child_process";

/** Commands that the benchmark runs, and the Debian packages that bring them. */
const TOOLS = [
  { command: "nginx", packageName: "nginx-light" },
  { command: "wrk", packageName: "wrk" },
] as const;

/** Installs what is missing when it may (root on Debian); otherwise throws a sentence that says what to type. */
export function provideTools(): void {
  const missing = TOOLS.filter(({ command }) => !isInstalled(command)).map(({ packageName }) => packageName);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0) {
    throw new Error(`the benchmark needs ${missing.join(" and ")}: sudo apt-get install ${missing.join(" ")}`);
  }
  process.stderr.write(`installing ${missing.join(" and ")}\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  execFileSync("apt-get", ["install", "--yes", "--no-install-recommends", ...missing], { env, stdio: "inherit" });
}

function isInstalled(command: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${command}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
