import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the checkout. */
export const CHECKOUT = fileURLToPath(new URL("../../..", import.meta.url));

export interface MarkdownBlock {
  /** What stands behind the opening fence. */
  readonly language: string;
  readonly text: string;
}

/** The fenced blocks of a document of the checkout, in order. */
export function readBlocks(path: string): MarkdownBlock[] {
  const markdown = readFileSync(join(CHECKOUT, path), "utf8");
  return [...markdown.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = "", text = ""]) => ({ language, text }));
}

/** The first block of a language that contains `part`. */
export function findBlock(blocks: readonly MarkdownBlock[], language: string, part = ""): MarkdownBlock {
  const block = blocks.find((one) => one.language === language && one.text.includes(part));
  if (block === undefined) throw new Error(`no ${language} block contains ${part}`);
  return block;
}
