import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DecisionLog } from "./decision-log.js";

describe("the log of decisions", () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "koboldfs-decisions-"));
    path = join(folder, "decisions.log");
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("is made where it is missing, and still knows its decisions when it is opened again", async () => {
    const first = await DecisionLog.open(path);
    await first.decideToCommit("orders-1");
    await first.close();
    const second = await DecisionLog.open(path);
    expect([second.has("orders-1"), second.has("orders-2")]).toEqual([true, false]);
    await second.close();
  });

  it("forgets a line that a crash tore, and keeps the decisions before and after it", async () => {
    await writeFile(path, "orders-1\norders-2");
    const log = await DecisionLog.open(path);
    expect(log.has("orders-2")).toBe(false);
    await log.decideToCommit("orders-3");
    await log.close();
    expect(await readFile(path, "utf8")).toBe("orders-1\norders-3\n");
  });
});
