import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { mustRun } from "./harness/run-program.js";

const programOf = (name: string) => fileURLToPath(new URL(`../../examples/dist/${name}.js`, import.meta.url));

describe("the examples", () => {
  it("the album keeps rows and files together while it is killed again and again", async () => {
    const printed = await mustRun(programOf("album/kill"), ["--seconds", "8"]);
    expect(printed).toMatch(/^8 seconds, seed \d+\n/);
    expect(printed).toMatch(/^[1-9]\d* photos; rows and files agree$/m);
    expect(Number(/killed (\d+) times/.exec(printed)?.[1])).toBeGreaterThan(0);
  });

  it("the coordinator that dies at each step leaves both sides alike, and recovers what it had decided", async () => {
    const printed = await mustRun(programOf("two-phase/show"), []);
    const ends = [...printed.matchAll(/^died when (.*): (.*), (.*)$/gm)].map(([, step, row, file]) => [
      step,
      row,
      file,
    ]);
    expect(ends).toEqual([
      ...["worked", "rows prepared", "files prepared"].map((step) => [step, "no row", "no invoice"]),
      ...["decided", "rows committed", "files committed"].map((step) => [step, "a row", "an invoice"]),
    ]);
    expect(printed).toContain("order 6 is there, with its invoice");
    expect(printed).toContain("left prepared: 0 in PostgreSQL, 0 in KoboldFS");
  });
});
