import { parseFileKey } from "@koboldfs/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatJournalEntry, type JournalEntry, parseJournalEntry } from "./journal-entry.js";
import { formatGenesisHash, formatJournalGroup, hashJournalGroup, parseJournalGroup } from "./journal-group.js";
import { compareHistories, verifyHistory } from "./journal-history.js";
import { contentOf, digestOf, NAMESPACE, setNodeOf } from "./test-changes.js";

const number = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const anyText = fc.string({ unit: "binary", maxLength: 20 });
const key = fc
  .string({ unit: "binary", minLength: 1, maxLength: 20 })
  .filter((text) => !text.includes("\0"))
  .map(parseFileKey);
const digest = anyText.map(digestOf);
const content = fc.record(
  {
    digest,
    sizeBytes: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    contentType: anyText,
    metadata: fc.dictionary(anyText, anyText, { maxKeys: 4, noNullPrototype: true }),
    expiresMs: fc.nat(),
  },
  { requiredKeys: ["digest", "sizeBytes", "contentType", "metadata"] },
);
const policy = fc.record(
  { minCopies: fc.integer({ min: 1, max: 9 }), urlTemplate: anyText, retentionMs: fc.nat(), expireAfterMs: fc.nat() },
  { requiredKeys: ["minCopies"] },
);
const node = fc
  .record({ url: anyText, zone: anyText, volumes: fc.array(anyText) })
  .map((settings) => setNodeOf(1, settings).node);
const namespace = fc.constant(NAMESPACE);
const webhook = fc.record(
  { id: anyText, url: anyText, namespace, prefix: anyText },
  { requiredKeys: ["id", "url", "prefix"] },
);
const entry: fc.Arbitrary<JournalEntry> = fc.oneof(
  fc.record({ kind: fc.constant("put" as const), number, namespace, key, content }),
  fc.record({ kind: fc.constant("delete" as const), number, namespace, key }),
  fc.record({ kind: fc.constant("purge" as const), number, namespace, key, version: number, digest }),
  fc.record({ kind: fc.constant("horizon" as const), number, namespace, horizon: number }),
  fc.record({ kind: fc.constant("namespace" as const), number, namespace, policy }),
  fc.record({ kind: fc.constant("namespace-drop" as const), number, namespace }),
  fc.record({ kind: fc.constant("node" as const), number, node }),
  fc.record({ kind: fc.constant("webhook" as const), number, webhook }),
  fc.record({ kind: fc.constant("webhook-drop" as const), number, id: anyText }),
);

describe("a journal entry", () => {
  it("is one line that reads back as the same entry, and is written as the same line again", () => {
    fc.assert(
      fc.property(entry, (original) => {
        const line = formatJournalEntry(original);
        expect(line).not.toMatch(/[\n\r]/);
        const read = parseJournalEntry(Buffer.from(line, "utf8").toString("utf8"));
        expect(read).toEqual(original);
        expect(formatJournalEntry(read)).toBe(line);
      }),
    );
  });

  it("is written the same whatever order its metadata came in, numbers among the names included", () => {
    const write = (metadata: Record<string, string>) =>
      formatJournalEntry({
        kind: "put",
        number: 1,
        namespace: NAMESPACE,
        key: parseFileKey("k"),
        content: contentOf("x", { metadata }),
      });
    expect(write({ b: "1", a: "2", "10": "3" })).toBe(write({ "10": "3", a: "2", b: "1" }));
    expect(write({ b: "1", a: "2", "10": "3" })).toContain('"metadata":[["10","3"],["a","2"],["b","1"]]');
  });

  it("has exactly this form, which mirrors and older journals rely on", () => {
    const put: JournalEntry = {
      kind: "put",
      number: 7,
      namespace: NAMESPACE,
      key: parseFileKey("ä/b"),
      content: contentOf("x"),
    };
    const digest = digestOf("x");
    expect(formatJournalEntry(put)).toBe(
      `{"number":7,"kind":"put","namespace":"demo","key":"ä/b","digest":"${digest}","sizeBytes":1,"contentType":"text/plain","metadata":[]}`,
    );
  });

  it("is refused when anything is missing or of another kind", () => {
    const lines = [
      "",
      "null",
      "[]",
      "{}",
      '{"number":1,"kind":"other","namespace":"demo"}',
      '{"number":-1,"kind":"delete"}',
    ];
    for (const line of lines) expect(() => parseJournalEntry(line)).toThrow(/not a journal entry/);
  });
});

describe("a journal group", () => {
  const entries = fc.array(entry, { minLength: 1, maxLength: 5 });

  it("reads back as it was written", () => {
    fc.assert(
      fc.property(entries, fc.nat(), (list, timeMs) => {
        const group = chain("p".repeat(64), 5, list, timeMs);
        expect(parseJournalGroup(formatJournalGroup(group))).toEqual(group);
      }),
    );
  });

  it("is refused when an entry is missing", () => {
    const bytes = formatJournalGroup(chain("p", 1, [dropAt(1), dropAt(2)], 0)).toString();
    const cut = bytes.split("\n").slice(0, 2).join("\n");
    expect(() => parseJournalGroup(Buffer.from(`${cut}\n`))).toThrow(/does not hold/);
  });
});

function dropAt(at: number): JournalEntry {
  return { kind: "namespace-drop", number: at, namespace: NAMESPACE };
}

function chain(previous: string, first: number, entries: readonly JournalEntry[], timeMs: number) {
  const numbered = entries.map((one, index) => ({ ...one, number: first + index }));
  return { id: `group-${first}`, previous, first, last: first + entries.length - 1, timeMs, entries: numbered };
}

/** A history of groups of one entry each; `salt` makes another one out of the same numbers. */
function writeHistory(start: { number: number; hash: string }, count: number, salt = 0) {
  const groups = [];
  for (let head = start; groups.length < count; ) {
    const first = head.number + 1;
    const bytes = formatJournalGroup(chain(head.hash, first, [dropAt(first)], salt));
    head = { number: first, hash: hashJournalGroup(bytes) };
    groups.push({ first, last: first, hash: head.hash, bytes });
  }
  return groups;
}

describe("a history", () => {
  const start = { number: 0, hash: formatGenesisHash("c1") };

  it("is verified to its head over the stored bytes", () => {
    const groups = writeHistory(start, 4);
    expect(verifyHistory(start, groups)).toEqual({ ok: true, head: { number: 4, hash: groups[3]?.hash } });
  });

  it("is found broken at a changed byte, a missing group, a foreign group and another cluster's beginning", () => {
    const groups = writeHistory(start, 4);
    const changed = groups.map((group) => ({ ...group, bytes: Buffer.from(group.bytes) }));
    const second = changed[1]?.bytes ?? Buffer.alloc(0);
    second[second.length - 3] = 0x21;
    expect(verifyHistory(start, changed)).toMatchObject({ ok: false, at: 2 });
    expect(verifyHistory(start, groups.toSpliced(1, 1))).toMatchObject({
      ok: false,
      at: 3,
      reason: "entry 2 is missing",
    });
    const foreign = writeHistory(start, 4, 1);
    expect(verifyHistory(start, [...groups.slice(0, 2), ...foreign.slice(2)])).toMatchObject({ ok: false, at: 3 });
    expect(verifyHistory({ number: 0, hash: formatGenesisHash("c2") }, groups)).toMatchObject({ ok: false, at: 1 });
  });

  it("is compared in one step with another: the same, behind, ahead or forked, and from where", () => {
    const points = (groups: readonly { last: number; hash: string }[]) =>
      groups.map(({ last, hash }) => ({ number: last, hash }));
    const left = points(writeHistory(start, 5));
    const stem = left[2] ?? start;
    const fork = [...left.slice(0, 3), ...points(writeHistory(stem, 2, 1))];
    expect(compareHistories(left, left)).toEqual({ relation: "same", common: left[4] });
    expect(compareHistories(left.slice(0, 3), left)).toEqual({ relation: "behind", common: left[2] });
    expect(compareHistories(left, left.slice(0, 3))).toEqual({ relation: "ahead", common: left[2] });
    expect(compareHistories(left, fork)).toEqual({ relation: "forked", common: left[2] });
    expect(compareHistories([], left)).toEqual({ relation: "behind", common: undefined });
    expect(compareHistories(left, points(writeHistory(start, 3, 1)))).toEqual({
      relation: "forked",
      common: undefined,
    });
  });
});
