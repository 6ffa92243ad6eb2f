import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const LINK = /!?\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)|<img[^>]+src="([^"]+)"/g;
const OUTSIDE = /^[a-z]+:/i;

/** Which relative links of a Markdown text lead nowhere, to a missing file or a missing heading. */
export function findBrokenLinks(root: string, path: string, text: string): string[] {
  const prose = text.replace(/^```.*?^```/gms, "").replace(/`[^`\n]*`/g, "");
  const targets = [...prose.matchAll(LINK)].map((match) => match[1] ?? match[2] ?? "");
  return targets
    .filter((target) => !OUTSIDE.test(target) && !leadsSomewhere(root, path, target))
    .map((target) => `${path}: ${target}`);
}

function leadsSomewhere(root: string, path: string, target: string): boolean {
  const [file = "", anchor] = target.split("#");
  const place = file === "" ? join(root, path) : join(root, dirname(path), decodeURIComponent(file));
  if (!existsSync(place)) return false;
  return anchor === undefined || !place.endsWith(".md") || listAnchors(readFileSync(place, "utf8")).has(anchor);
}

/** The anchors that GitHub makes of headings. */
function listAnchors(markdown: string): Set<string> {
  const headings = [...markdown.replace(/^```.*?^```/gms, "").matchAll(/^#+ (.*)$/gm)].map((match) => match[1] ?? "");
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .trim()
        .replaceAll(" ", "-"),
    ),
  );
}
