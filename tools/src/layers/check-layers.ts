import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { WORKSPACE_ROOT } from "../workspace.js";
import { findViolations } from "./find-violations.js";
import { PACKAGE_LAYERS, SERVER_LAYERS } from "./layer-table.js";

const server = join(WORKSPACE_ROOT, "packages/server/src");
const folders = readdirSync(server).filter((name) => statSync(join(server, name)).isDirectory());
const known = new Set(SERVER_LAYERS.map((layer) => layer.folder));
const strangers = folders.filter((name) => !known.has(name));

const { violations, fileCount } = await findViolations(
  WORKSPACE_ROOT,
  PACKAGE_LAYERS.map((layer) => `${layer.folder}/src`),
);
for (const name of strangers) violations.push(`packages/server/src/${name} is not in the table of layers`);
for (const violation of violations) process.stdout.write(`${violation}\n`);
process.stdout.write(`${fileCount} files, ${violations.length} violations\n`);
process.exitCode = violations.length === 0 && fileCount > 0 ? 0 : 1;
