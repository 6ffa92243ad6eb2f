import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Plugin, type RolldownOutput, rolldown } from "rolldown";
import { ALL_PACKAGES, WORKSPACE_ROOT } from "../workspace.js";
import { collectNotices } from "./collect-notices.js";
import { newestChange } from "./newest-change.js";

const CLI = join(WORKSPACE_ROOT, "packages/cli");
const BUNDLE = join(CLI, "bundle");
/** Written last: without it the folder is a bundle that was broken off. */
const NOTICES = join(BUNDLE, "THIRD-PARTY.txt");

/**
 * Puts the command, the node and their packages together in `packages/cli/bundle`: some dozens of files where there
 * are two thousand, which is half of the time that a start takes. Nothing is shortened, so that traces can be read.
 */
export async function bundleCommand(): Promise<void> {
  await rm(BUNDLE, { recursive: true, force: true });
  const bundle = await rolldown({
    input: { koboldfs: join(CLI, "dist/koboldfs.js"), koboldfsd: join(CLI, "dist/koboldfsd.js") },
    platform: "node",
    // Its binary is a package of its own for each machine.
    external: ["libsql"],
    plugins: [otherScripts],
    onLog: (_level, log) => {
      throw new Error(log.message);
    },
  });
  try {
    const { output } = await bundle.write({ dir: BUNDLE, format: "esm", chunkFileNames: "[name]-[hash].js" });
    await writeFile(NOTICES, await collectNotices(modulesOf(output)));
  } finally {
    await bundle.close();
  }
}

/** Whether something was built since the bundle was. */
export async function isBundleOld(): Promise<boolean> {
  if (!existsSync(NOTICES)) return true;
  const built = ALL_PACKAGES.filter((folder) => folder.startsWith("packages/"));
  const changes = await Promise.all(built.map((folder) => newestChange(join(WORKSPACE_ROOT, folder, "dist"))));
  return Math.max(...changes) > (await newestChange(BUNDLE));
}

/** A script that a module starts as a thread or a process of its own stands beside it in the bundle, under its name. */
const otherScripts: Plugin = {
  name: "other scripts",
  transform(code, id) {
    if (!id.startsWith(join(WORKSPACE_ROOT, "packages"))) return;
    for (const [, path = ""] of code.matchAll(/new URL\("([^"]+)", import\.meta\.url\)/g)) {
      const script = join(dirname(id), path);
      if (path.startsWith("./") && path.endsWith(".js")) {
        this.emitFile({ type: "chunk", id: script, fileName: basename(script) });
      } else if (dirname(id) !== join(CLI, "dist")) {
        // Bundled modules stand one folder below the package, as those of dist itself do.
        this.error(`${path} would be another file in the bundle; ask for it in a module of packages/cli/src itself`);
      }
    }
  },
};

function modulesOf(output: RolldownOutput["output"]): string[] {
  return output.flatMap((file) => (file.type === "chunk" ? file.moduleIds : []));
}
