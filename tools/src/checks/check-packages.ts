import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  CLIENT_PROGRAM,
  HAS_LATER_NODES,
  LATER_NODE_PACKAGES,
  LATER_NODES,
  nodePath,
  withServer,
} from "./node-versions.js";
import { PUBLISHED_PACKAGES, WORKSPACE_ROOT } from "../workspace.js";

/** Runs a program to its end, shows what it printed, and answers its standard output. */
async function run(program: string, args: readonly string[], cwd: string): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(program, [...args], { cwd, encoding: "utf8" });
  process.stdout.write(`$ ${program} ${args.join(" ")}\n${stdout}${stderr}`);
  return stdout;
}

/**
 * Packs what would be published, installs the tarballs into an empty folder, and uses them there: a file that is
 * missing from a package, or a dependency that only the checkout has, shows here and nowhere else.
 */
async function main(folder: string): Promise<void> {
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

  await checkClient(folder);
}

/** The installed client on this Node, and on every later one that is supported. */
async function checkClient(folder: string): Promise<void> {
  const nodes = [process.execPath];
  if (HAS_LATER_NODES) {
    // Beside the packages, not among them: what a project that uses KoboldFS installs stays as it is.
    await run("npm", ["install", "--no-audit", "--no-fund", "--no-save", ...LATER_NODE_PACKAGES], folder);
    nodes.push(...LATER_NODES.map((major) => nodePath(folder, major)));
  }
  const program = join(folder, "client-program.js");
  await writeFile(program, CLIENT_PROGRAM);
  await withServer(folder, async (url) => {
    for (const node of nodes) {
      const wanted = (await run(node, ["--version"], folder)).trim();
      const printed = (await run(node, [program, url], folder)).trim();
      if (printed !== wanted) throw new Error(`the client's program printed ${printed}, not ${wanted}`);
    }
  });
}

const folder = await mkdtemp(join(tmpdir(), "koboldfs-pack-"));
try {
  await main(folder);
} finally {
  await rm(folder, { recursive: true, force: true });
}
