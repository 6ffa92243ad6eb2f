/** A metric as the text format has it, with its samples by the text of their series: `name{label="value"}`. */
export interface ParsedMetric {
  readonly help: string;
  readonly type: string;
  readonly samples: Map<string, ParsedSample>;
}

export interface ParsedSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const HELP = new RegExp(`^# HELP (${NAME}) (\\S.*)$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram|summary|untyped)$`);
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? ([0-9.e+-]+)$`);
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\\\|\\"|\\n)*)"(?:,(?=.)|$)/;
const SUFFIXES: Readonly<Record<string, readonly string[]>> = { histogram: ["_bucket", "_sum", "_count"] };

/**
 * Prometheus' text format 0.0.4, read as strictly as its description can be: each metric once, by its help, its type and
 * at least one sample; no series twice; nothing that has to be guessed. Throws at the first line that is not so.
 */
export function parseMetrics(text: string): Map<string, ParsedMetric> {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const metrics = new Map<string, ParsedMetric>();
  const lines = text.slice(0, -1).split("\n");
  while (lines.length > 0) {
    const [, name = "", help = ""] = match(HELP, lines.shift());
    if (/\\(?![\\n])/.test(help)) throw new Error(`an escape that is none in the help of ${name}`);
    const [, typed, type = ""] = match(TYPE, lines.shift());
    if (typed !== name || metrics.has(name)) throw new Error(`help and type of ${name} do not stand together, once`);
    const samples = new Map<string, ParsedSample>();
    while (lines[0] !== undefined && !lines[0].startsWith("#")) takeSample(lines.shift(), { name, type, samples });
    if (samples.size === 0) throw new Error(`${name} has no samples`);
    metrics.set(name, { help, type, samples });
  }
  return metrics;
}

function takeSample(
  line: string | undefined,
  { name, type, samples }: { name: string; type: string; samples: Map<string, ParsedSample> },
): void {
  const [, series = "", pairs, number = ""] = match(SAMPLE, line);
  const names = (SUFFIXES[type] ?? [""]).map((suffix) => `${name}${suffix}`);
  if (!names.includes(series)) throw new Error(`${series} stands among the samples of ${name}`);
  const labels = pairs === undefined ? {} : parseLabels(pairs);
  const value = Number(number);
  if (Number.isNaN(value)) throw new Error(`no number: ${line}`);
  const sorted = Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const id = `${series}${JSON.stringify(sorted)}`;
  if (samples.has(id)) throw new Error(`twice: ${line}`);
  samples.set(id, { labels, value });
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  let rest = text;
  do {
    const [whole, name = "", escaped = ""] = match(LABEL, rest);
    if (name in labels) throw new Error(`two labels ${name}: ${text}`);
    labels[name] = escaped.replaceAll(/\\(.)/g, (_all, character: string) => (character === "n" ? "\n" : character));
    rest = rest.slice(whole.length);
  } while (rest !== "");
  return labels;
}

function match(pattern: RegExp, line: string | undefined): RegExpExecArray {
  const found = pattern.exec(line ?? "");
  if (found === null) throw new Error(`not as it should be: ${line}`);
  return found;
}
