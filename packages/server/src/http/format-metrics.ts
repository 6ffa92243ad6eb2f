import { METRIC_NAMES, METRICS, type MetricSample, type MetricValues } from "../files/metric-table.js";

/** Of the format that `formatMetrics` writes. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Prometheus' text format: of each metric what it means, its type, and its samples. */
export function formatMetrics(values: MetricValues): string {
  return METRIC_NAMES.map((name) => {
    const samples = values[name] ?? [];
    if (samples.length === 0) return "";
    const { help, type } = METRICS[name];
    const lines = samples.map((sample) => formatSample(name, sample));
    return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
  }).join("");
}

function formatSample(name: string, { suffix, labels = {}, value }: MetricSample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  return `${name}${suffix ?? ""}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`;
}

function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
