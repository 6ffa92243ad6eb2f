import { type Tone, paint } from "./colors.js";
import { cutText, padEnd, padStart, widthOf } from "./text-width.js";

export interface Column {
  readonly title: string;
  readonly align?: "right";
  /** The colour of a cell, where colours are wanted. */
  readonly toneOf?: (cell: string) => Tone | undefined;
}

export interface TableOptions {
  /** Of the terminal; without it nothing is cut. */
  readonly width?: number | undefined;
  readonly colors?: boolean;
}

const GAP = "  ";

/** Rows under their titles, in columns as wide as their content. On a narrow terminal the last column is cut. */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  options: TableOptions = {},
): string[] {
  const titles = columns.map((column) => column.title);
  const widths = columns.map((_, index) => Math.max(...[titles, ...rows].map((row) => widthOf(row[index] ?? ""))));
  return [titles, ...rows].map((row, rowIndex) => {
    const cells = columns.map((column, index) => {
      const cell = row[index] ?? "";
      const pad = column.align === "right" ? padStart : padEnd;
      return { text: pad(cell, widths[index] ?? 0), tone: rowIndex === 0 ? undefined : column.toneOf?.(cell) };
    });
    return joinCells(cells, options);
  });
}

function joinCells(cells: readonly { text: string; tone: Tone | undefined }[], options: TableOptions): string {
  let left = options.width ?? Number.POSITIVE_INFINITY;
  const parts: string[] = [];
  const last = cells.findLastIndex((cell) => cell.text.trimEnd() !== "");
  for (const [index, cell] of cells.slice(0, last + 1).entries()) {
    const whole = (index === 0 ? "" : GAP) + (index === last ? cell.text.trimEnd() : cell.text);
    const text = cutText(whole, left);
    parts.push(cell.tone !== undefined && options.colors === true ? paint(cell.tone, text) : text);
    left -= widthOf(text);
    if (text !== whole) break;
  }
  return parts.join("").trimEnd();
}
