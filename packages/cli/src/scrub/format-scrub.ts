import type { NodeInfo, ScrubFindings, ScrubInfo, ScrubPassInfo } from "@koboldfs/client";
import { formatDuration } from "../output/durations.js";
import { printable } from "../output/printable.js";
import { formatFiles, formatSize } from "../output/sizes.js";

const DAY_MS = 86_400_000;

/** One node's pass as it ended; without a pass the node did not answer. */
export interface NodePass {
  readonly node: string;
  readonly pass?: ScrubPassInfo;
}

/** `a 40 %, b done, c does not answer`. */
export function formatPasses(passes: readonly NodePass[]): string {
  const parts = passes.map(({ node, pass }) => {
    const name = printable(node);
    if (pass === undefined) return `${name} does not answer`;
    return pass.state === "done" ? `${name} done` : `${name} ${Math.floor(pass.progress * 100)} %`;
  });
  return `reading again: ${parts.join(", ")}`;
}

/** What a pass came to, and each finding that it tells. */
export function formatPassEnd({ node, pass }: NodePass): string[] {
  const name = printable(node);
  if (pass === undefined) return [`${name}: does not answer, and was not looked at`];
  const { files, bytes, mended, findings, listed, repairs, started, ended } = pass;
  const seconds = (Date.parse(ended ?? started) - Date.parse(started)) / 1000;
  const found = formatFindings(findings);
  const mending = repairs && found !== "" ? `; ${formatFiles(mended)} put right on the disk` : "";
  return [
    `${name}: read ${formatFiles(files)}, ${formatSize(bytes)}, in ${formatDuration(seconds)}: ${found || "all good"}${mending}`,
    ...listed.map(({ finding, namespace, digest, path }) => {
      return `  ${finding} ${printable(namespace)} ${printable(digest)}${path === undefined ? "" : ` ${printable(path)}`}`;
    }),
  ];
}

/** `2 corrupt, 1 missing`, or nothing. */
export function formatFindings(findings: ScrubFindings): string {
  return Object.entries(findings)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`)
    .join(", ");
}

export function countFindings(findings: ScrubFindings): number {
  return Object.values(findings).reduce((sum, count) => sum + count, 0);
}

/** How far the copies of each node are proven. */
export function formatProofs(nodes: readonly NodeInfo[], nowMs: number): string[] {
  return nodes.flatMap(({ name, upkeep }) => {
    return upkeep === undefined ? [] : [`${printable(name)}: ${formatProof(upkeep.scrub, nowMs)}`];
  });
}

export function formatProof({ proven, provenSince, findings }: ScrubInfo, nowMs: number): string {
  const found = formatFindings(findings);
  const since = found === "" ? "" : `; found since it started: ${found}`;
  if (provenSince === undefined) return `${Math.floor(proven * 100)} % of the copies proven so far${since}`;
  const days = Math.max(1, Math.ceil((nowMs - Date.parse(provenSince)) / DAY_MS));
  return `every copy proven within ${days} ${days === 1 ? "day" : "days"}${since}`;
}
