import type { NodePlan } from "@koboldfs/client";
import { printable } from "../output/printable.js";
import { formatFiles, formatSize } from "../output/sizes.js";

/** What an order would mean, in lines for people. */
export function formatPlan(plan: NodePlan): string[] {
  const holders = plan.holders.map(printable).join(", ") || "no node";
  const lines = [`${printable(plan.node)} is ${formatState(plan)}; without it ${holders} should hold every file`];
  if (plan.filling.length > 0) lines.push(`not filled yet: ${plan.filling.map(printable).join(", ")}`);
  if (plan.owedFiles > 0) {
    lines.push(`${formatAmount(plan.owedFiles, plan.owedBytes)} are on it and still missing on another node`);
  }
  if (plan.onlyHereFiles > 0) {
    lines.push(`${formatAmount(plan.onlyHereFiles, plan.onlyHereBytes)} are known to be on it ONLY`);
  }
  if (plan.stagedFiles > 0) {
    lines.push(`${formatAmount(plan.stagedFiles, plan.stagedBytes)} of unfinished transactions are staged on it`);
  }
  if (plan.isDispensable) lines.push("every file is on all the others");
  return lines;
}

/** `down (draining)`: what is seen, and what was ordered when that is something else. */
export function formatState({ state, order }: Pick<NodePlan, "state" | "order">): string {
  return state === order || order === "alive" ? state : `${state} (${order})`;
}

/** How far a node's draining is, given what was left at its beginning and the seconds since. */
export function formatDrain(plan: NodePlan, { owedFiles, seconds }: { owedFiles: number; seconds: number }): string {
  const done = owedFiles - plan.owedFiles;
  const rate = seconds > 0 ? done / seconds : 0;
  const left = rate > 0 && plan.owedFiles > 0 ? `, about ${formatSeconds(plan.owedFiles / rate)} left` : "";
  const filling = plan.filling.length > 0 ? `; ${plan.filling.map(printable).join(", ")} not filled yet` : "";
  return `draining ${printable(plan.node)}: ${formatAmount(plan.owedFiles, plan.owedBytes)} to go${left}${filling}`;
}

/** `40 s`, `12 min`, `3.5 h`, `2.1 d`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${(seconds / 3600).toFixed(1)} h`;
  return `${(seconds / 86_400).toFixed(1)} d`;
}

function formatAmount(files: number, bytes: string): string {
  return `${formatFiles(files)} (${formatSize(Number(bytes))})`;
}
