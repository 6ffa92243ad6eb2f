import { METRIC_NAMES, METRICS, type MetricRule } from "./metric-table.js";

const BEGIN = "<!-- metrics: made from packages/server/src/files/metric-table.ts; a test compares the two -->";
const END = "<!-- end of metrics -->";

const SCOPES: Readonly<Record<MetricRule["scope"], string>> = {
  cluster: "Of the cluster, told by every node alike",
  node: "Of the node that is asked",
  process: "Of its node process",
};

/** A document with its tables of metrics as the code has them. Throws when the text has no place for them. */
export function replaceMetricTables(document: string): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`the document needs a line ${BEGIN} and a line ${END}`);
  const tables = Object.entries(SCOPES).map(([scope, title]) => formatTable(scope, title));
  return `${document.slice(0, begin)}${BEGIN}\n\n${tables.join("\n")}\n${document.slice(end)}`;
}

function formatTable(scope: string, title: string): string {
  const names = METRIC_NAMES.filter((name) => METRICS[name].scope === scope);
  const rows = names.map((name) => {
    const { type, labels, help }: MetricRule = METRICS[name];
    return `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(", ")} | ${unitOf(name)} | ${help} |\n`;
  });
  return `${title}:\n\n| metric | type | labels | unit | meaning |\n|---|---|---|---|---|\n${rows.join("")}`;
}

/** As the name says it, behind `_total`. */
function unitOf(name: string): string {
  const unit = /_(bytes|seconds|ratio|files|entries|fds)(?:_total)?$/.exec(name)?.[1];
  if (unit === "ratio") return "0 to 1";
  return unit === "fds" ? "descriptors" : (unit ?? "");
}
