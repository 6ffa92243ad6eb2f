export interface Column {
  readonly title: string;
  readonly align?: "right";
}

const GAP = "  ";

/**
 * Rows under their titles, in columns as wide as their content. On a narrow terminal the last column is cut; without a
 * width nothing is.
 */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width?: number,
): string[] {
  const titles = columns.map((column) => column.title);
  const widths = columns.map((_, index) => Math.max(...[titles, ...rows].map((row) => (row[index] ?? "").length)));
  return [titles, ...rows].map((row) => {
    const cells = columns.map((column, index) => {
      const cell = row[index] ?? "";
      const size = widths[index] ?? 0;
      return column.align === "right" ? cell.padStart(size) : cell.padEnd(size);
    });
    return cutLine(cells.join(GAP).trimEnd(), width);
  });
}

function cutLine(line: string, width: number | undefined): string {
  return width === undefined || line.length <= width ? line : `${line.slice(0, Math.max(width - 1, 0))}…`;
}
