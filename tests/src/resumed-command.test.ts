import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { PutReply } from "@koboldfs/protocol";
import { describe, expect, it } from "vitest";
import { type Cluster, NAMESPACE } from "./harness/cluster.js";
import { exitOf, spawnOwned } from "./harness/owned-process.js";
import { mustGet, sha256 } from "./harness/raw-files.js";
import { askUpload } from "./harness/raw-upload.js";
import { jsonOf } from "./harness/raw-request.js";
import { COMMAND, mustRun, runProgram } from "./harness/run-program.js";
import { TcpProxy } from "./harness/tcp-proxy.js";
import { withCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";

const MIB = 1024 * 1024;
const SIZE_BYTES = 160 * MIB;

/** A user at the command, with a home, a large file, and a wire to the node on which bytes are counted. */
interface User {
  readonly file: string;
  readonly bytes: Buffer;
  readonly env: Record<string, string>;
  readonly wire: TcpProxy;
}

async function withUser(body: (cluster: Cluster, user: User) => Promise<void>): Promise<void> {
  await withCluster({ nodes: 1, engine: "sqlite", proxyPeers: true }, async (cluster) => {
    const wire = cluster.peerProxy("a");
    const file = join(cluster.folder, "home", "big.iso");
    mkdirSync(dirname(file));
    const bytes = randomBytes(SIZE_BYTES);
    writeFileSync(file, bytes);
    const cache = join(cluster.folder, "cache");
    const env = { KOBOLDFS_SERVER: `http://127.0.0.1:${wire.port}`, XDG_CACHE_HOME: cache };
    await body(cluster, { file, bytes, env, wire });
  });
}

function keptAddresses({ env }: User): string[] {
  const folder = join(env["XDG_CACHE_HOME"] ?? "", "koboldfs", "uploads");
  return readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8").trim());
}

/** Runs the command until the node counts some of the file, then ends it so. */
async function runUntilKilled(user: User, args: readonly string[], signal: NodeJS.Signals): Promise<number> {
  const child = spawnOwned(process.execPath, [COMMAND, ...args], {
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...user.env },
    stdio: "ignore",
  });
  let offset = 0;
  await waitUntil(
    "the node counts some of it",
    async () => {
      const [address] = existing(() => keptAddresses(user));
      if (address === undefined) return false;
      const reply = await askUpload(new URL(address), "GET");
      offset = jsonOf<{ offset: number }>(reply).offset;
      return offset > 0;
    },
    { pollMs: 5 },
  );
  child.kill(signal);
  await exitOf(child);
  return offset;
}

function putUntilKilled(user: User, signal: NodeJS.Signals): Promise<number> {
  return runUntilKilled(user, ["put", user.file, `${NAMESPACE}/big`], signal);
}

function existing(list: () => string[]): string[] {
  try {
    return list();
  } catch {
    // The folder appears with the first address.
    return [];
  }
}

describe("the command, killed in the middle of a large put", () => {
  it.each(["SIGKILL", "SIGINT"] as const)(
    "by %s, sends only the rest when it is started again, and the file is right",
    async (signal) => {
      await withUser(async (cluster, user) => {
        const offset = await putUntilKilled(user, signal);
        expect(offset).toBeGreaterThan(0);
        const before = user.wire.receivedBytes;
        const output = await mustRun(COMMAND, ["put", user.file, `${NAMESPACE}/big`, "--json"], { env: user.env });
        const sent = user.wire.receivedBytes - before;
        expect(sent).toBeLessThan(SIZE_BYTES - offset + MIB);
        const digest = sha256(user.bytes);
        expect(JSON.parse(output) as PutReply).toMatchObject({ digest, size: SIZE_BYTES });
        expect(sha256(await mustGet(cluster.node("a").url, "big"))).toBe(digest);
        expect(keptAddresses(user)).toEqual([]);
      });
    },
  );

  it("sends a file that changed meanwhile from its beginning", async () => {
    await withUser(async (cluster, user) => {
      await putUntilKilled(user, "SIGKILL");
      const changed = Buffer.from(user.bytes);
      changed.write("another beginning");
      writeFileSync(user.file, changed);
      const { code } = await runProgram(COMMAND, ["put", user.file, `${NAMESPACE}/big`], { env: user.env });
      expect(code).toBe(0);
      expect(sha256(await mustGet(cluster.node("a").url, "big"))).toBe(sha256(changed));
    });
  });
});

describe("a sync, killed by SIGKILL in the middle of a large file", () => {
  it("sends only the rest of it when it is started again, and the file is right", async () => {
    await withUser(async (cluster, user) => {
      const small = join(dirname(user.file), "a-small-file");
      writeFileSync(small, "small");
      const args = ["sync", dirname(user.file), NAMESPACE, "--json"];
      const offset = await runUntilKilled(user, args, "SIGKILL");
      expect(offset).toBeGreaterThan(0);
      const before = user.wire.receivedBytes;
      const output = await mustRun(COMMAND, args, { env: user.env });
      expect(user.wire.receivedBytes - before).toBeLessThan(SIZE_BYTES - offset + MIB);
      const summary = JSON.parse(output) as { transferred: number; skipped: number };
      expect(summary).toMatchObject({ failed: 0, complete: true });
      expect(summary.transferred + summary.skipped).toBe(2);
      expect(sha256(await mustGet(cluster.node("a").url, "big.iso"))).toBe(sha256(user.bytes));
      expect((await mustGet(cluster.node("a").url, "a-small-file")).toString()).toBe("small");
      expect(keptAddresses(user)).toEqual([]);
      const again = await mustRun(COMMAND, args, { env: user.env });
      expect(JSON.parse(again)).toMatchObject({ transferred: 0, skipped: 2, failed: 0 });
    });
  });
});
