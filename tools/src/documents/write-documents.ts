import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { WORKSPACE_ROOT } from "../workspace.js";
import { formatApiReport } from "./api-report.js";
import { formatCommandPages } from "./command-pages.js";
import { formatErrorsDocument } from "./errors-document.js";
import { replaceLayersSection } from "./layers-section.js";

const pages = await formatCommandPages();

/** Documents that code writes, wholly or in part: what they should be, from what they are. */
const DOCUMENTS: Readonly<Record<string, (now: string) => string>> = {
  "ARCHITECTURE.md": replaceLayersSection,
  "docs/errors.md": formatErrorsDocument,
  "packages/client/api.md": () =>
    formatApiReport("API of @koboldfs/client", [
      { name: "@koboldfs/client", declarations: "packages/client/dist/index.d.ts" },
      { name: "@koboldfs/client/browser", declarations: "packages/client/dist/browser/index.d.ts" },
    ]),
  ...Object.fromEntries(Object.entries(pages).map(([path, text]) => [path, () => text])),
};

/** Folders that hold nothing but documents that are written here. */
const WRITTEN_FOLDERS = ["docs/commands"];

/** `write-documents` brings them up to date, `write-documents --check` fails when one is not. */
const isCheck = process.argv.includes("--check");

for (const [path, write] of Object.entries(DOCUMENTS)) {
  const absolute = join(WORKSPACE_ROOT, path);
  const now = await readFile(absolute, "utf8").catch(() => "");
  const wanted = write(now);
  if (now === wanted) continue;
  await settle(`${path} is stale`, async () => {
    await mkdir(dirname(absolute), { recursive: true });
    await writeFile(absolute, wanted);
  });
}

for (const folder of WRITTEN_FOLDERS) {
  for (const name of await readdir(join(WORKSPACE_ROOT, folder)).catch(() => [])) {
    const path = `${folder}/${name}`;
    if (path in DOCUMENTS) continue;
    await settle(`${path} belongs to no command`, () => rm(join(WORKSPACE_ROOT, path)));
  }
}

async function settle(finding: string, mend: () => Promise<void>): Promise<void> {
  if (!isCheck) return mend();
  process.stdout.write(`${finding}: run 'npm run documents'\n`);
  process.exitCode = 1;
}
