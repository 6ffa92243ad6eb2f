import stringWidth from "string-width";

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Columns that a text takes on a terminal: two for wide characters, none for what is combined with another. */
export function widthOf(text: string): number {
  return stringWidth(text);
}

/** The text, or its beginning and `…`, in at most so many columns. */
export function cutText(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let cut = "";
  let used = 1;
  for (const { segment } of graphemes.segment(text)) {
    used += widthOf(segment);
    if (used > columns) break;
    cut += segment;
  }
  return columns < 1 ? "" : `${cut}…`;
}

/** As `cutText`, but keeps the end: of a path, that says more. */
export function cutBeginning(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let cut = "";
  let used = 1;
  for (const { segment } of [...graphemes.segment(text)].reverse()) {
    used += widthOf(segment);
    if (used > columns) break;
    cut = segment + cut;
  }
  return columns < 1 ? "" : `…${cut}`;
}

export function padEnd(text: string, columns: number): string {
  return text + " ".repeat(Math.max(columns - widthOf(text), 0));
}

export function padStart(text: string, columns: number): string {
  return " ".repeat(Math.max(columns - widthOf(text), 0)) + text;
}
