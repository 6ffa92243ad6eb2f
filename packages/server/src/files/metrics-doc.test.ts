import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { METRIC_NAMES, METRICS, type MetricRule } from "./metric-table.js";
import { replaceMetricTables } from "./metrics-doc.js";

const PATH = "../../../../docs/operating.md";
const document = readFileSync(new URL(PATH, import.meta.url), "utf8");

describe("docs/operating.md", () => {
  it("says of metrics what their table says", async () => {
    await expect(replaceMetricTables(document)).toMatchFileSnapshot(PATH);
  });

  it("asks in its alerts for no metric and no label that does not exist", () => {
    const rules = /```yaml\ngroups:\n(.*?)```/s.exec(document)?.[1] ?? "";
    const expressions = [...rules.matchAll(/^ +expr: (.+)$/gm)].map((match) => match[1] ?? "");
    expect(expressions.length).toBeGreaterThanOrEqual(4);
    for (const expression of expressions) {
      const names = expression.match(/\b(koboldfs|process|nodejs)_\w+/g) ?? [];
      expect(METRIC_NAMES).toEqual(expect.arrayContaining(names));
      const known = new Set(names.flatMap((name) => METRICS[name as keyof typeof METRICS].labels as readonly string[]));
      for (const [, label = ""] of expression.matchAll(/(\w+)=~?"/g)) expect([...known]).toContain(label);
    }
  });
});

it("names metrics as Prometheus asks for it: base units, and a total where something is counted", () => {
  for (const name of METRIC_NAMES) {
    const { type, help }: MetricRule = METRICS[name];
    expect(name).toMatch(/^(koboldfs|process|nodejs)_[a-z]+(_[a-z]+)*$/);
    expect([name, name.endsWith("_total")]).toEqual([name, type === "counter"]);
    expect(name).not.toMatch(/_(ms|milliseconds|percent|kb|mib|minutes|hours|days)(_|$)/);
    expect(help).toMatch(/^[A-Z0-9].*[^.]$/);
  }
});
