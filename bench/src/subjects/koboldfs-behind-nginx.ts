import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "@koboldfs/client";
import { keyOf, type Load } from "../load/load-generator.js";
import { Child, findAnswer, findFreePort } from "./child.js";
import { COMMAND, FIRST_SECONDS, NAMESPACE, ourEnvironment, startNode, waitUntilComplete } from "./koboldfs.js";
import { sqliteIn } from "./koboldfs-subjects.js";
import { formatTemporaryPaths } from "./nginx.js";
import type { RunningSubject, Subject, SubjectContext } from "./subject.js";

const PUTS_AT_ONCE = 16;

/** One node, and a web server that sends the bytes by itself to whoever has a direct URL: the node is not asked. */
export const directSubject: Subject = {
  name: "koboldfs-direct",
  title: "KoboldFS, direct URLs, sent by nginx",
  yardstickFor: ({ operation }) => (operation === "get" ? "nginx" : undefined),
  async start(context) {
    const running = await startBehindNginx(context);
    return { ...running, readPaths: (load) => directPathsOf(running, load) };
  },
};

/** The same, asked by key: the node looks it up and nginx sends the bytes. */
export const accelSubject: Subject = {
  name: "koboldfs-accel",
  title: "KoboldFS in accel mode behind nginx",
  firstSeconds: FIRST_SECONDS,
  yardstickFor: ({ operation }) => (operation === "get" ? "nginx" : undefined),
  start: startBehindNginx,
};

async function startBehindNginx(context: SubjectContext): Promise<RunningSubject> {
  const { folder } = context;
  const children: Child[] = [];
  const stop = async () => {
    await Promise.all(children.map((child) => child.stop()));
  };
  try {
    const cluster = { nodes: 1, dsn: sqliteIn(folder) };
    const node = await startNode(context, cluster, { number: 1, flags: ["--accel", "true"] });
    children.push(node.child);
    await waitUntilComplete([node]);
    const nginx = await startConfigured(folder, node.url);
    children.push(nginx.child);
    await createPublicNamespace(nginx.url);
    const folderUrls = [`${nginx.url}/v1/files/${NAMESPACE}/`];
    return { folder, processes: children.map(({ pid }) => pid), folderUrls, copyUrls: folderUrls, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The configuration that `koboldfs web-server nginx` prints, as it is, within what a distribution's file says around it. */
async function startConfigured(folder: string, nodeUrl: string): Promise<{ child: Child; url: string }> {
  const port = await findFreePort();
  const own = join(folder, "nginx");
  await mkdir(own);
  const flags = ["--data", join(folder, "node1"), "--public", NAMESPACE, "--port", String(port)];
  const env = { ...ourEnvironment(), KOBOLDFS_LISTEN: new URL(nodeUrl).host, KOBOLDFS_ACCEL: "true" };
  const printed = execFileSync(process.execPath, [COMMAND, "web-server", "nginx", ...flags], { env });
  await writeFile(join(own, "koboldfs.conf"), printed);
  const file = join(own, "nginx.conf");
  await writeFile(file, formatMain(own));
  const args = ["-p", own, "-e", join(own, "error.log"), "-c", file];
  const child = new Child({ title: "nginx before KoboldFS", command: "nginx", args });
  const url = `http://127.0.0.1:${port}`;
  await child.waitFor(async () => (await findAnswer(`${url}/healthz`))?.ok || undefined);
  return { child, url };
}

/** As generous as the nginx that is the yardstick. */
function formatMain(folder: string): string {
  return [
    process.getuid?.() === 0 ? "user root;" : "",
    "daemon off;",
    "worker_processes auto;",
    `pid ${join(folder, "nginx.pid")};`,
    "events { worker_connections 1024; }",
    "http {",
    "include /etc/nginx/mime.types;",
    "access_log off;",
    "sendfile on;",
    "keepalive_requests 1000000000;",
    ...formatTemporaryPaths(folder),
    `include ${join(folder, "koboldfs.conf")};`,
    "}",
    "",
  ].join("\n");
}

async function createPublicNamespace(url: string): Promise<void> {
  const client = new Client(NAMESPACE, { servers: [url] });
  await client.createNamespace({ urlTemplate: `${url}/direct/{namespace}/{path}/{name}` });
  await client.close();
}

/** As any reader learns them: from the node. */
async function directPathsOf({ folderUrls }: RunningSubject, load: Load): Promise<string[]> {
  const [folderUrl = ""] = folderUrls;
  const client = new Client(NAMESPACE, { servers: [new URL(folderUrl).origin], maxInFlight: PUTS_AT_ONCE });
  try {
    const numbers = Array.from({ length: load.keyCount }, (_, index) => index + 1);
    return await Promise.all(
      numbers.map(async (number) => {
        const key = keyOf(load.keyPrefix, number);
        const url = await client.getUrl(key);
        if (url === undefined) throw new Error(`${key} has no direct URL`);
        return new URL(url).pathname;
      }),
    );
  } finally {
    await client.close();
  }
}
