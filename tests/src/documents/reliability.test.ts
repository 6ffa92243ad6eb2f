import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { FAULT_SECTIONS } from "../reliability/fault-table.js";
import { formatFaultTables, replaceBlock } from "../reliability/reliability-document.js";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

describe("docs/reliability.md", () => {
  const document = readFileSync(`${ROOT}docs/reliability.md`, "utf8");

  it("has the tables of tests/src/reliability/fault-table.ts (npm run reliability -- --table)", () => {
    expect(document).toBe(replaceBlock(document, "faults", formatFaultTables()));
  });

  const proofs = FAULT_SECTIONS.flatMap(({ rows }) => rows.flatMap((row) => row.proofs));

  it.each(proofs)("names a test that is there: $file says '$says'", ({ file, says }) => {
    expect(readFileSync(ROOT + file, "utf8").toLowerCase()).toContain(says.toLowerCase());
  });
});
