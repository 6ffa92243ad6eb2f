import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const BIN = fileURLToPath(new URL("../../bin/", import.meta.url));

describe("koboldfs serve", { timeout: 60_000 }, () => {
  let folder: string;
  let started: ChildProcess[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "koboldfs-serve-"));
    started = [];
  });
  afterEach(async () => {
    for (const child of started) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    await rm(folder, { recursive: true });
  });

  function run(args: string[], env: Record<string, string> = {}, command = "koboldfs.js") {
    const child = spawn(process.execPath, [join(BIN, command), ...args], {
      env: { PATH: process.env["PATH"], ...env },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    started.push(child);
    let errors = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      errors += chunk.toString();
    });
    // Not "close": it does not come when this side has closed the channel.
    const ended = once(child, "exit").then(([code]: unknown[]) => ({ code, errors }));
    return { child, ended };
  }

  function serve(...more: string[]) {
    return run(["serve", "--name", "a", "--listen", "127.0.0.1:0", "--data", join(folder, "a"), ...more]);
  }

  /** The first log line of this event. */
  function lineOf(child: ChildProcess, event: string): Promise<Record<string, unknown>> {
    return new Promise((resolve) => {
      if (child.stdout === null) return;
      createInterface({ input: child.stdout }).on("line", (line) => {
        const entry = JSON.parse(line) as Record<string, unknown>;
        if (entry["event"] === event) resolve(entry);
      });
    });
  }

  it("says where it listens, in JSON, and ends with 0 on SIGTERM", async () => {
    const { child, ended } = serve();
    const { url, name } = await lineOf(child, "listening");
    expect(name).toBe("a");
    expect((await fetch(`${String(url)}/readyz`)).status).toBe(200);
    child.kill("SIGTERM");
    expect(await ended).toEqual({ code: 0, errors: "" });
  });

  it("ends with 0 when the process that started it is gone", async () => {
    const { child, ended } = serve();
    await lineOf(child, "listening");
    child.disconnect();
    expect(await ended).toEqual({ code: 0, errors: "" });
  });

  it("takes its settings from the environment and, as koboldfsd, from a file", async () => {
    const env = { KOBOLDFS_NAME: "b", KOBOLDFS_LISTEN: "127.0.0.1:0", KOBOLDFS_DATA: join(folder, "b") };
    const { child, ended } = run(["serve"], env);
    expect((await lineOf(child, "listening"))["name"]).toBe("b");
    child.kill("SIGINT");
    expect((await ended).code).toBe(0);
    const daemon = run(["--config", join(folder, "missing.ini")], {}, "koboldfsd.js");
    expect(await daemon.ended).toEqual({ code: 78, errors: expect.stringContaining("missing.ini") });
  });

  it.each([
    ["koboldfs.js", ["serve"]],
    ["koboldfsd.js", []],
  ])("takes its settings from the file of --config: %s %j", async (command, words) => {
    const path = join(folder, "node.ini");
    await writeFile(path, `name = from-file\nlisten = 127.0.0.1:0\ndata = ${join(folder, "c")}\n`);
    const { child, ended } = run([...words, "--config", path], {}, command);
    expect((await lineOf(child, "listening"))["name"]).toBe("from-file");
    child.kill("SIGTERM");
    expect(await ended).toEqual({ code: 0, errors: "" });
  });

  it("refuses settings that cannot work with exit code 78, the code, what is wrong, and a hint", async () => {
    const { errors, code } = await run(["serve", "--data", folder, "--listen", "0.0.0.0:0"]).ended;
    expect(code).toBe(78);
    expect(errors).toMatch(/^koboldfs: secret_required: .*0\.0\.0\.0:0.*\n {2}hint: Set KOBOLDFS_CLUSTER_SECRET.*\n$/);
    const unknown = await run(["serve", "--data", folder], { KOBOLDFS_NMAE: "a" }).ended;
    expect(unknown).toEqual({ code: 78, errors: expect.stringContaining("did you mean KOBOLDFS_NAME?") });
  });

  it("ends with 1 when it cannot listen: another try may do", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const address = other.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const { errors, code } = await serve("--listen", `127.0.0.1:${port}`).ended;
    other.close();
    expect(code).toBe(1);
    expect(errors).toContain("koboldfs: listen_failed:");
  });

  it("has more than the usual four threads for the calls that block", async () => {
    const { child, ended } = serve();
    const { url } = await lineOf(child, "listening");
    await fetch(`${String(url)}/healthz`);
    expect((await readdir(`/proc/${child.pid}/task`)).length).toBeGreaterThan(32);
    child.kill("SIGTERM");
    await ended;
  });
});
