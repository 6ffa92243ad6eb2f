import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CRASH_POINT_VARIABLE, checkCrashPointVariable } from "./crash-points.js";

const MODULE = fileURLToPath(new URL("./crash-points.js", import.meta.url));

/** A process that reaches one point three times and another one once, and says how often it got past the first. */
const PROGRAM = `
  import { writeSync } from "node:fs";
  import { crashPoint } from ${JSON.stringify(MODULE)};
  crashPoint("commit.done");
  for (let time = 1; time <= 3; time += 1) {
    crashPoint("put.commit.before");
    writeSync(1, String(time));
  }`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "koboldfs-crash-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function run(order: string | undefined, variable = `${process.pid}:${join(folder, "order")}`) {
  if (order !== undefined) writeFileSync(join(folder, "order"), order);
  const args = ["--input-type=module", "--eval", PROGRAM];
  const env = { PATH: process.env["PATH"], ...(variable !== "unset" && { [CRASH_POINT_VARIABLE]: variable }) };
  const { signal, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: "utf8" });
  return { signal, stdout, stderr };
}

describe("crashPoint", () => {
  it.each([undefined, "put.commit.before:1:SIGKILL"])("does nothing without the variable (order %s)", (order) => {
    expect(run(order, "unset")).toEqual({ signal: null, stdout: "123", stderr: "" });
  });

  it("kills the process the named time that the named point is reached, and says where", () => {
    const stderr = "crash point put.commit.before\n";
    expect(run("put.commit.before:1:SIGKILL")).toEqual({ signal: "SIGKILL", stdout: "", stderr });
    expect(run("put.commit.before:3:SIGKILL")).toEqual({ signal: "SIGKILL", stdout: "12", stderr });
  });

  it("stops the process, which goes on from there when it is let", async () => {
    writeFileSync(join(folder, "order"), "put.commit.before:2:SIGSTOP");
    const variable = `${process.pid}:${join(folder, "order")}`;
    const env = { PATH: process.env["PATH"], [CRASH_POINT_VARIABLE]: variable };
    const child = spawn(process.execPath, ["--input-type=module", "--eval", PROGRAM], { env });
    let stdout = "";
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    await once(child.stderr, "data");
    // A signal to go on that comes before the one to stop is lost.
    const thaw = setInterval(() => child.kill("SIGCONT"), 50);
    const [code] = (await once(child, "close")) as [number];
    clearInterval(thaw);
    expect([code, stdout]).toEqual([0, "123"]);
  });

  it.each(["put.commit.before:4:SIGKILL", "reap.confirmed:1:SIGKILL", "", undefined])(
    "does nothing when the order is %s",
    (order) => {
      expect(run(order)).toEqual({ signal: null, stdout: "123", stderr: "" });
    },
  );

  it.each(["1", String(process.ppid), "", "0"])(
    "does nothing for a variable that names another parent (%s)",
    (parent) => {
      expect(run("put.commit.before:1:SIGKILL", `${parent}:${join(folder, "order")}`)).toMatchObject({ signal: null });
    },
  );
});

describe("a node whose environment has the variable", () => {
  it("is told that a test started it", () => {
    expect(checkCrashPointVariable(`${process.ppid}:/tmp/order`)).toBe(true);
    expect(checkCrashPointVariable(undefined)).toBe(false);
  });

  it.each(["1:/tmp/order", `${process.ppid}:`, `${process.ppid}`, "true", ""])(
    "by mistake (%s) does not start",
    (text) => {
      expect(() => checkCrashPointVariable(text)).toThrow(CRASH_POINT_VARIABLE);
    },
  );
});
