import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { WORKSPACE_ROOT } from "../workspace.js";
import { formatApiReport } from "./api-report.js";
import { formatErrorsDocument } from "./errors-document.js";
import { replaceLayersSection } from "./layers-section.js";

/** Documents that code writes, wholly or in part: what they should be, from what they are. */
const DOCUMENTS: Readonly<Record<string, (now: string) => string>> = {
  "ARCHITECTURE.md": replaceLayersSection,
  "docs/errors.md": formatErrorsDocument,
  "packages/client/api.md": () =>
    formatApiReport("API of @koboldfs/client", [
      { name: "@koboldfs/client", declarations: "packages/client/dist/index.d.ts" },
      { name: "@koboldfs/client/browser", declarations: "packages/client/dist/browser/index.d.ts" },
    ]),
};

/** `write-documents` brings them up to date, `write-documents --check` fails when one is not. */
const isCheck = process.argv.includes("--check");

for (const [path, write] of Object.entries(DOCUMENTS)) {
  const absolute = join(WORKSPACE_ROOT, path);
  const now = await readFile(absolute, "utf8").catch(() => "");
  const wanted = write(now);
  if (now === wanted) continue;
  if (isCheck) {
    process.stdout.write(`${path} is stale: run 'npm run documents'\n`);
    process.exitCode = 1;
  } else {
    await writeFile(absolute, wanted);
  }
}
