import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "@koboldfs/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NAMESPACE } from "./harness/cluster.js";
import { findFreePort } from "./harness/free-port.js";
import { COMMAND, runProgram } from "./harness/run-program.js";
import { useCluster } from "./harness/use-cluster.js";
import { NginxProcess, nginxPrograms } from "./harness/web-server-process.js";

const SECRET = "the secret of a cluster behind a web server";
const KEYS = ["new=a-newer-secret-of-the-urls", "old=an-older-secret-of-the-urls"];
const CONTENT = randomBytes(700_000);

const programs = await nginxPrograms();
const missing = "skip" in programs ? ` (skipped: ${programs.skip})` : "";

describe.skipIf("skip" in programs)(`a node behind nginx${missing}`, () => {
  const cluster = useCluster({
    ...{ nodes: 2, engine: "sqlite", secret: SECRET },
    settings: { ACCEL: "true", URL_KEYS: KEYS[0] ?? "" },
  });
  let nginx: NginxProcess;
  let client: Client;
  let env: Record<string, string>;

  beforeAll(async () => {
    const node = cluster().node("a");
    const { host: listen } = new URL(node.url);
    env = { KOBOLDFS_LISTEN: listen, KOBOLDFS_CLUSTER_SECRET: SECRET, KOBOLDFS_TOKEN: SECRET };
    const ini = join(cluster().folder, "a.ini");
    writeFileSync(
      ini,
      [
        ...node.data.map((folder) => `data = ${folder}`),
        ...KEYS.map((key) => `url_keys = ${key}`),
        "accel = true",
      ].join("\n"),
    );
    nginx = await NginxProcess.start({
      program: "skip" in programs ? "" : (programs[0] ?? ""),
      folder: join(cluster().folder, "nginx"),
      port: await findFreePort(),
      args: ["--config", ini, "--public", "open"],
      env,
    });
    client = new Client(NAMESPACE, { servers: [nginx.url], token: SECRET });
    await client.put("cat.txt", CONTENT, { contentType: "image/x-cat" });
  });
  afterAll(async () => {
    await client?.close();
    await nginx?.stop();
  });

  const read = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${nginx.url}${path}`, { headers: { authorization: `Bearer ${SECRET}`, ...headers } });

  it("passes every check of the command", async () => {
    const { code, stdout, stderr } = await runProgram(COMMAND, ["web-server", "nginx", "--check", nginx.url], { env });
    expect(
      stdout.split("\n").filter((line) => !line.startsWith("ok ")),
      stderr,
    ).toEqual([""]);
    expect(code).toBe(0);
  });

  it("says what the node says of a file whose bytes nginx sends", async () => {
    const [front, direct] = await Promise.all([
      read("/v1/files/demo/cat.txt"),
      fetch(`${cluster().node("a").url}/v1/files/demo/cat.txt`, { headers: { authorization: `Bearer ${SECRET}` } }),
    ]);
    expect(Buffer.from(await front.arrayBuffer()).equals(CONTENT)).toBe(true);
    await direct.body?.cancel();
    const told = ["content-type", "content-length", "etag", "last-modified", "repr-digest", "koboldfs-version"];
    for (const name of [...told, "cache-control", "content-security-policy"]) {
      expect([name, front.headers.get(name)]).toEqual([name, direct.headers.get(name)]);
    }
    expect(front.headers.get("x-accel-redirect")).toBeNull();
  });

  it("lets nginx send the bytes: what it reads from the disk is what comes", async () => {
    const secret = "only on the disk of a";
    const { digest } = await client.put("swapped", Buffer.from("what was really put in"));
    const [folder = ""] = cluster().node("a").data;
    const path = join(folder, "blobs", NAMESPACE, digest.slice(0, 2), digest.slice(2, 4), digest);
    const before = readFileSync(path);
    writeFileSync(path, secret.padEnd(before.length));
    expect((await (await read("/v1/files/demo/swapped")).text()).trim()).toBe(secret);
    // The node itself reads it again, finds it wrong and takes the other node's copy.
    expect(await (await read("/v1/files/demo/swapped", { "if-match": "*" })).text()).toBe(before.toString());
  });

  it("answers ranges and conditions as the node would", async () => {
    const etag = (await read("/v1/files/demo/cat.txt")).headers.get("etag") ?? "";
    const part = await read("/v1/files/demo/cat.txt", { range: "bytes=100-199" });
    expect([part.status, part.headers.get("content-range")]).toEqual([206, `bytes 100-199/${CONTENT.length}`]);
    expect(Buffer.from(await part.arrayBuffer()).equals(CONTENT.subarray(100, 200))).toBe(true);
    expect((await read("/v1/files/demo/cat.txt", { "if-none-match": etag })).status).toBe(304);
    expect((await read("/v1/files/demo/cat.txt", { "if-match": '"other"' })).status).toBe(412);
    expect((await read("/v1/files/demo/gone")).status).toBe(404);
    expect((await read("/koboldfs-accel/0/demo/x")).status).toBe(404);
  });

  it("lets everybody read what is public, and signed URLs of both keys", async () => {
    const open = new Client("open", { servers: [nginx.url], token: SECRET });
    await open.createNamespace({ urlTemplate: `${nginx.url}/direct/{namespace}/{path}/{name}` });
    await open.put("a/page ü.html", Buffer.from("<p>hello"));
    const url = (await open.getUrl("a/page ü.html")) ?? "";
    await open.close();
    const page = await fetch(url);
    expect([await page.text(), page.headers.get("content-type"), page.headers.get("cache-control")]).toEqual([
      ...["<p>hello", "text/html", "public, max-age=31536000, immutable"],
    ]);
    // Another namespace is not public because the way to it looks so.
    expect((await fetch(url.replace("/open/", `/${NAMESPACE}/`))).status).toBe(403);
    await client.createNamespace({ urlTemplate: `${nginx.url}/direct/{namespace}/{path}/{name}?{signature}` });
    const signed = (await client.getUrl("cat.txt")) ?? "";
    expect((await fetch(signed)).status).toBe(200);
    expect((await fetch(signed, { method: "HEAD" })).headers.get("content-length")).toBe(String(CONTENT.length));
    expect((await fetch(signed, { method: "DELETE" })).status).toBe(403);
    expect((await fetch(signed.replace("k=new", "k=old"))).status).toBe(403);
    expect((await fetch(signed.replace("k=new", "k=none"))).status).toBe(403);
  });

  it("takes an upload as it comes, larger than any buffer", async () => {
    const large = Buffer.alloc(20 * 1024 * 1024, randomBytes(1024));
    await client.put("large", large, { resumableFromBytes: Number.POSITIVE_INFINITY });
    const { digest } = (await client.stat("large")) ?? { digest: "" };
    expect((await client.getBytes("large"))?.length).toBe(large.length);
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
  });
});
