import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CHECKOUT } from "./markdown-blocks.js";

export interface Example {
  /** Where it stands. */
  readonly origin: string;
  readonly text: string;
}

/** The TypeScript blocks in the docstrings of the sources below `folder`, tests left out. */
export function readDocstringExamples(folder: string): Example[] {
  const files = readdirSync(join(CHECKOUT, folder), { recursive: true, encoding: "utf8" }).toSorted();
  return files
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .flatMap((name) => examplesOf(join(folder, name)));
}

function examplesOf(path: string): Example[] {
  const source = readFileSync(join(CHECKOUT, path), "utf8");
  const docstrings = [...source.matchAll(/\/\*\*.*?\*\//gs)].map(([text]) => text.replaceAll(/^ *\* ?/gm, ""));
  const blocks = docstrings.flatMap((text) => [...text.matchAll(/^```ts\n(.*?)^```$/gms)]);
  return blocks.map(([, text = ""]) => ({ origin: path, text }));
}

/**
 * One program of all examples, each in a scope of its own and with a `client` where it makes none itself. A line
 * `EXPRESSION; // => VALUE` becomes a check that it is so.
 */
export function joinExamples(examples: readonly Example[], server: string): string {
  const imports = new Set<string>(['import { Client } from "@koboldfs/client";']);
  const blocks = examples.map(({ origin, text }) => {
    const lines = text.split("\n");
    for (const line of lines.filter(isImport)) imports.add(line);
    const body = lines.filter((line) => !isImport(line)).map(toCheck);
    return `// ${origin}\nawait (async () => {\n${body.join("\n")}\n})();`;
  });
  const client = `new Client("docstrings", { servers: [${JSON.stringify(server)}] })`;
  return `import { deepStrictEqual } from "node:assert/strict";
${[...imports].join("\n")}
function check(actual: unknown, expected: unknown): void {
  deepStrictEqual(actual, expected);
}
const client = ${client};
await client.createNamespace();
${blocks.join("\n")}
await client.close();
console.log("every example held");
`;
}

function isImport(line: string): boolean {
  return /^import .* from ".*";$/.test(line);
}

function toCheck(line: string): string {
  const match = /^(.+); \/\/ => (.+)$/.exec(line);
  return match === null ? line : `check(${match[1]}, ${match[2]});`;
}
