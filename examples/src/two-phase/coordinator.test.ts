import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClientPool } from "@koboldfs/client";
import type pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Coordinator } from "./coordinator.js";
import { DecisionLog } from "./decision-log.js";

const ID = "orders-0123456789abcdef0123456789abcdef";

/** Both sides as far as the coordinator asks them, with a log of that; each fails at what a test names. */
function createSides(failures: Readonly<Record<string, Error>>) {
  const asked: string[] = [];
  const ask = async (what: string) => {
    asked.push(what);
    if (failures[what] !== undefined) throw failures[what];
  };
  const query = async (text: string) => {
    await ask(text.replace(ID, "ID"));
    return { rows: [], rowCount: 0 };
  };
  const connection = { query, release: (isBroken: boolean) => void asked.push(isBroken ? "close" : "release") };
  const rows = { query, connect: () => ask("connect").then(() => connection) };
  const tx = { id: ID, prepare: () => ask("prepare files"), commit: () => ask("commit files") };
  const files = { begin: async () => tx, finishTransaction: (_id: string, step: string) => ask(`${step} files`) };
  return { asked, rows: rows as unknown as pg.Pool, files: files as unknown as ClientPool };
}

describe("the coordinator", () => {
  const [refused, gone] = [new Error("the files are refused"), new Error("the cluster is gone")];
  let folder: string;
  let log: DecisionLog;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "koboldfs-coordinator-"));
    log = await DecisionLog.open(join(folder, "decisions.log"));
  });
  afterEach(async () => {
    await log.close();
    await rm(folder, { recursive: true });
  });

  /** What a run without work throws, and what was asked of both sides. */
  async function run(failures: Readonly<Record<string, Error>>) {
    const { asked, ...sides } = createSides(failures);
    const thrown: unknown = await new Coordinator({ name: "orders", log, ...sides })
      .run(async () => undefined)
      .catch((error: unknown) => error);
    return { thrown, asked };
  }

  it("throws what kept it from preparing, and aborts", async () => {
    const { thrown, asked } = await run({ "prepare files": refused });
    expect(thrown).toBe(refused);
    expect(asked).toContain("abort files");
    expect(asked).toContain("close");
    expect(log.has(ID)).toBe(false);
  });

  it("hides no reason behind that of an abort which failed too", async () => {
    const { thrown } = await run({ "prepare files": refused, "abort files": gone });
    expect(thrown).toBeInstanceOf(AggregateError);
    expect(thrown).toMatchObject({ errors: [refused, gone] });
    expect((thrown as Error).message).toContain(ID);
  });

  it("aborts the files also when there is no connection for the rows", async () => {
    const { thrown, asked } = await run({ connect: refused });
    expect(thrown).toBe(refused);
    expect(asked).toContain("abort files");
    expect(asked).not.toContain("close");
  });

  it("gives its connection back, and commits both sides, when both are prepared", async () => {
    const { thrown, asked } = await run({});
    expect(thrown).toBeUndefined();
    expect(asked.slice(-4)).toEqual(["prepare files", "release", "commit prepared 'ID'", "commit files"]);
    expect(log.has(ID)).toBe(true);
  });
});
