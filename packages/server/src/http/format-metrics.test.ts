import fc from "fast-check";
import { expect, it } from "vitest";
import { formatMetrics } from "./format-metrics.js";
import { parseMetrics } from "./test-parse-metrics.js";

it("tells each metric by its help, its type and its samples, and nothing of what is not known", () => {
  const values = {
    koboldfs_transactions_staged_bytes: [{ value: 5e21 }],
    koboldfs_namespace_files: [
      { labels: { namespace: "a" }, value: 1 },
      { labels: { namespace: "b" }, value: 0.25 },
    ],
    koboldfs_webhook_failures: [],
  };
  expect(formatMetrics(values)).toBe(
    [
      "# HELP koboldfs_namespace_files Files of the namespace",
      "# TYPE koboldfs_namespace_files gauge",
      'koboldfs_namespace_files{namespace="a"} 1',
      'koboldfs_namespace_files{namespace="b"} 0.25',
      "# HELP koboldfs_transactions_staged_bytes Bytes that unfinished transactions have staged",
      "# TYPE koboldfs_transactions_staged_bytes gauge",
      "koboldfs_transactions_staged_bytes 5e+21",
      "",
    ].join("\n"),
  );
});

it("escapes whatever a label says such that it is read again", () => {
  const text = fc.string({ unit: fc.constantFrom('"', "\\", "\n", "n", "a", ",", "=", "{", "}", "ä", " ") });
  fc.assert(
    fc.property(text, text, (node, zone) => {
      const labels = { node, id: "1", zone, state: "alive", order: "alive" };
      const parsed = parseMetrics(formatMetrics({ koboldfs_node_state: [{ labels, value: 1 }] }));
      expect([...(parsed.get("koboldfs_node_state")?.samples.values() ?? [])]).toEqual([{ labels, value: 1 }]);
    }),
  );
});

it.each([
  ["no end of the last line", "# HELP a b\n# TYPE a gauge\na 1"],
  ["a metric without a help", "# TYPE a gauge\na 1\n"],
  ["a metric without a type", "# HELP a b\na 1\n"],
  ["a metric without samples", "# HELP a b\n# TYPE a gauge\n"],
  ["a metric twice", "# HELP a b\n# TYPE a gauge\na 1\n# HELP a b\n# TYPE a gauge\na 2\n"],
  ["a series twice", '# HELP a b\n# TYPE a gauge\na{x="1",y="2"} 1\na{y="2",x="1"} 2\n'],
  ["a sample of another metric", "# HELP a b\n# TYPE a gauge\nb 1\n"],
  ["a quotation mark in a label", '# HELP a b\n# TYPE a gauge\na{x="""} 1\n'],
  ["an escape that is none", '# HELP a b\n# TYPE a gauge\na{x="\\t"} 1\n'],
  ["no number", "# HELP a b\n# TYPE a gauge\na Infinity\n"],
])("is held against a reading that refuses %s", (_what, text) => {
  expect(() => parseMetrics(text)).toThrow();
});
