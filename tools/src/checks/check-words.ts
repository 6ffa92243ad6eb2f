import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { listSources, WORKSPACE_ROOT } from "../workspace.js";
import { findBannedWords } from "./find-banned-words.js";

/** It and its test spell what they look for. */
const isAboutItself = (path: string) => path.startsWith("tools/src/checks/find-banned-words");

const sources = (await listSources()).filter((path) => !isAboutItself(path));
const findings: string[] = [];
for (const path of sources) findings.push(...findBannedWords(path, await readFile(join(WORKSPACE_ROOT, path), "utf8")));
for (const finding of findings) process.stdout.write(`${finding}\n`);
process.stdout.write(`${sources.length} files, ${findings.length} findings\n`);
process.exitCode = findings.length === 0 && sources.length > 0 ? 0 : 1;
