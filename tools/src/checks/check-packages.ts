import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { PUBLISHED_PACKAGES, WORKSPACE_ROOT } from "../workspace.js";

/**
 * Packs what would be published, installs the tarballs into an empty folder, and uses them there: a file that is
 * missing from a package, or a dependency that only the checkout has, shows here and nowhere else.
 */
async function main(folder: string): Promise<void> {
  const run = async (program: string, args: readonly string[], cwd: string) => {
    const { stdout, stderr } = await promisify(execFile)(program, [...args], { cwd, encoding: "utf8" });
    process.stdout.write(`$ ${program} ${args.join(" ")}\n${stdout}${stderr}`);
    return stdout;
  };
  const workspaces = PUBLISHED_PACKAGES.flatMap((path) => ["-w", path]);
  await run("npm", ["pack", "--silent", "--pack-destination", folder, ...workspaces], WORKSPACE_ROOT);
  const tarballs = (await readdir(folder)).map((name) => `./${name}`);
  if (tarballs.length !== PUBLISHED_PACKAGES.length) throw new Error(`packed ${tarballs.join(", ")}`);

  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "empty", private: true, type: "module" }));
  await run("npm", ["install", "--no-audit", "--no-fund", ...tarballs], folder);

  const { version } = JSON.parse(await readFile(join(WORKSPACE_ROOT, "packages/cli/package.json"), "utf8")) as {
    version: string;
  };
  const printed = await run("npx", ["--no-install", "koboldfs", "--version"], folder);
  if (printed.trim() !== version) throw new Error(`koboldfs --version printed ${printed}, not ${version}`);

  const program = 'import { Client } from "@koboldfs/client"; console.log(typeof Client);';
  const type = await run(process.execPath, ["--input-type=module", "--eval", program], folder);
  if (type.trim() !== "function") throw new Error("the installed client exports no Client");
}

const folder = await mkdtemp(join(tmpdir(), "koboldfs-pack-"));
try {
  await main(folder);
} finally {
  await rm(folder, { recursive: true, force: true });
}
