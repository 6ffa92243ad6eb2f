import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { listOwnFiles, WORKSPACE_ROOT } from "../workspace.js";
import { findBrokenLinks } from "./find-broken-links.js";

const documents = await listOwnFiles("", ".md");
const findings: string[] = [];
for (const path of documents) {
  findings.push(...findBrokenLinks(WORKSPACE_ROOT, path, await readFile(join(WORKSPACE_ROOT, path), "utf8")));
}
for (const finding of findings) process.stdout.write(`${finding}\n`);
process.stdout.write(`${documents.length} documents, ${findings.length} broken links\n`);
process.exitCode = findings.length === 0 && documents.length > 0 ? 0 : 1;
