import type { RebuiltCatalog } from "@koboldfs/server/recovery";
import { printable } from "../output/printable.js";
import { formatCount, formatFiles, formatSize } from "../output/sizes.js";
import { type Column, formatTable, type TableOptions } from "../output/table.js";

/** Everything that was acknowledged is there: no mirror was damaged and every blob was found somewhere. */
export function isSound({ copies, mirrors }: RebuiltCatalog): boolean {
  return (copies.onNodes[0] ?? 0) === 0 && mirrors.every(({ brokenAt }) => brokenAt === undefined);
}

/** The report for people. */
export function formatRebuild(report: RebuiltCatalog, table: TableOptions): string[] {
  const { names, bytes, versions, namespaces, head, epoch, catalog, cluster } = report;
  return [
    `The ${catalog} catalog of cluster ${cluster} is made: journal up to ${formatCount(head)}, epoch ${epoch}.`,
    `${formatFiles(names)} of ${formatSize(Number(bytes))} in ${formatCount(namespaces)} namespaces, ` +
      `${formatCount(versions)} former versions.`,
    ...formatMirrors(report, table),
    ...report.forks.map(({ mirror, forkedAt, entries, keys }) => {
      const where = `${printable(mirror)} went on differently behind ${formatCount(forkedAt)}`;
      return `${where}: ${formatCount(entries)} entries of ${formatCount(keys)} keys were named again as new versions.`;
    }),
    ...report.unusable.map(({ name, reason }) => `Not used: ${printable(name)}: ${printable(reason)}`),
    ...formatCopies(report, table),
    "",
    "Start the nodes with the new dsn. The old database is refused from now on, should it come back.",
  ];
}

function formatMirrors({ mirrors }: RebuiltCatalog, table: TableOptions): string[] {
  const columns: readonly Column[] = [
    { title: "MIRROR" },
    { title: "UP TO", align: "right" },
    { title: "EPOCH", align: "right" },
    { title: "CHAIN", toneOf: (chain) => (chain === "sound" ? "good" : "bad") },
  ];
  const rows = mirrors.map(({ name, number, epoch, brokenAt, reason }) => {
    const chain = brokenAt === undefined ? "sound" : `broken at ${formatCount(brokenAt)}: ${reason ?? ""}`;
    return [printable(name), formatCount(number), String(epoch), chain];
  });
  return ["", ...formatTable(columns, rows, table)];
}

function formatCopies({ copies, uncheckedNodes }: RebuiltCatalog, table: TableOptions): string[] {
  const columns: readonly Column[] = [
    { title: "NODE" },
    { title: "FOUND", align: "right" },
    { title: "LACKS", align: "right" },
    { title: "CORRUPT", align: "right" },
    { title: "THEN" },
  ];
  const rows = copies.nodes.map(({ node, found, lacking, corrupt, kept }) => {
    const then =
      kept === "debts" ? (lacking === 0 ? "complete" : "fetches what it lacks") : "is filled from the beginning";
    return [printable(node), formatCount(found), formatCount(lacking), formatCount(corrupt), then];
  });
  const spread = copies.onNodes.map((count, nodes) => `${formatCount(count)} on ${nodes}`).toReversed();
  const missing = copies.onNodes[0] ?? 0;
  return [
    ...["", ...formatTable(columns, rows, table)],
    `${formatCount(copies.blobs)} blobs, by the number of nodes that have them: ${spread.join(", ")}.`,
    ...(uncheckedNodes.length === 0
      ? []
      : [`Not looked at: ${uncheckedNodes.map(printable).join(", ")}; each looks for itself when it starts.`]),
    ...copies.missing.map(({ namespace, key, version, digest, sizeBytes }) => {
      const name = key === undefined ? `${namespace}/…` : `${namespace}/${key}@${version ?? ""}`;
      return `missing: ${printable(name)} ${digest} ${formatSize(sizeBytes)}`;
    }),
    ...(missing > copies.missing.length ? [`… and ${formatCount(missing - copies.missing.length)} more`] : []),
  ];
}
