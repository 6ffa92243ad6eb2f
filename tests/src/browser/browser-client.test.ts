import { createHash, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { findOrInstallPrograms } from "@koboldfs/tools";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cluster, startCluster } from "../harness/cluster.js";
import { rawRequest } from "../harness/raw-request.js";
import { TcpProxy } from "../harness/tcp-proxy.js";
import { BrowserPage } from "./browser-page.js";
import { PageServer } from "./page-server.js";
import { SpoilingProxy } from "./spoiling-proxy.js";

/**
 * More than every buffer between a node and a page together, so that a cut in the middle is one; and so much that it goes as
 * a resumable upload of several pieces.
 */
const FILE_BYTES = 40 * 1024 * 1024;
/** What a browser sends in one request of a resumable upload. */
const PIECE_BYTES = 8 * 1024 * 1024;

const chromium = await findOrInstallPrograms({ name: "Chromium", programs: ["chromium"], packages: ["chromium"] });
const missing = "skip" in chromium ? ` (skipped: ${chromium.skip})` : "";

describe.skipIf("skip" in chromium)(`the client in Chromium${missing}`, () => {
  let pages: PageServer;
  let cluster: Cluster;
  let page: BrowserPage;
  let path: string;
  const content = randomBytes(FILE_BYTES);
  const digest = createHash("sha256").update(content).digest("hex");

  beforeAll(async () => {
    pages = await PageServer.start();
    cluster = await startCluster({ nodes: 2, engine: "sqlite", settings: { CORS_ORIGINS: pages.origin } });
    page = await BrowserPage.open("skip" in chromium ? "" : (chromium[0] ?? ""), `${pages.origin}/`);
    path = join(cluster.folder, "holiday.mp4");
    writeFileSync(path, content);
    await page.choose(path);
  });
  afterAll(async () => {
    await page?.close();
    await cluster?.close();
    await pages?.close();
  });

  it("uploads a file and tells how far it is", async () => {
    const { reply, progress } = await page.call("uploadChosen", cluster.urls, "films/holiday.mp4");
    expect(reply).toMatchObject({ digest, size: FILE_BYTES, copies: 2 });
    expect(progress).toEqual(expect.arrayContaining([1, 2, 3, 4, 5].map((piece) => piece * PIECE_BYTES)));
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    expect(progress.at(-1)).toBe(FILE_BYTES);
    const head = await rawRequest(cluster.urls[1] ?? "", { method: "HEAD", path: "/v1/files/demo/films/holiday.mp4" });
    expect(head.headers["content-type"]).toBe("video/mp4");
  });

  it("downloads it piece by piece and tells how far it is", async () => {
    const downloaded = await page.call("download", cluster.urls, "films/holiday.mp4");
    expect(downloaded).toMatchObject({ digest, sizeBytes: FILE_BYTES });
    expect(downloaded.pieces).toBeGreaterThan(2);
    expect(downloaded.progress.at(-1)).toBe(FILE_BYTES);
  });

  it("goes on at the same offset from another node when the connection is cut", async () => {
    const { hostname: host, port } = new URL(cluster.urls[0] ?? "");
    const wire = await TcpProxy.start({ host, port: Number(port) });
    page.hooks.cutWire = () => wire.cut();
    const servers = [`http://127.0.0.1:${wire.port}`, cluster.urls[1] ?? ""];
    expect(await page.call("download", servers, "films/holiday.mp4", true)).toMatchObject({ digest });
    await wire.close();
  });

  it("goes on with an upload at the same offset when the connection is cut", async () => {
    const { hostname: host, port } = new URL(cluster.urls[0] ?? "");
    const wire = await TcpProxy.start({ host, port: Number(port) });
    // So slow that the cut comes in time.
    wire.limit(3 * PIECE_BYTES);
    let cuts = 0;
    page.hooks.cutWire = () => {
      cuts += 1;
      wire.cut();
      wire.heal();
    };
    const cutAt = 3 * PIECE_BYTES + 1;
    const { reply, progress } = await page.call("uploadChosen", [`http://127.0.0.1:${wire.port}`], "films/cut", cutAt);
    expect([cuts, reply]).toMatchObject([1, { digest, size: FILE_BYTES }]);
    const afterCut = progress.slice(progress.findIndex((bytes) => bytes >= cutAt));
    expect(Math.min(...afterCut)).toBeGreaterThanOrEqual(3 * PIECE_BYTES);
    expect(wire.receivedBytes).toBeLessThan(FILE_BYTES + 2 * PIECE_BYTES);
    await wire.close();
  });

  it("says digest_mismatch when bytes are spoiled on the way", async () => {
    const proxy = await SpoilingProxy.start(cluster.urls[0] ?? "");
    await page.call("uploadText", cluster.urls, "note", "some text");
    expect(await page.call("failToDownload", [proxy.url], "note")).toMatchObject({ code: "digest_mismatch" });
    await proxy.close();
  });

  it("uploads bytes and a stream, past a server that is dead", async () => {
    const proxy = await TcpProxy.start();
    const dead = `http://127.0.0.1:${proxy.port}`;
    await proxy.close();
    const text = await page.call("uploadText", [dead, ...cluster.urls], "text", "naïve");
    expect(text.reply.digest).toBe(createHash("sha256").update("naïve").digest("hex"));
    const stream = await page.call("uploadStream", [dead, ...cluster.urls], "stream", 40);
    const pieces = Array.from({ length: 40 }, (_, piece) => Buffer.alloc(65_536, piece));
    expect(stream.reply.digest).toBe(createHash("sha256").update(Buffer.concat(pieces)).digest("hex"));
  });

  it("stores nothing of an upload that is given up", async () => {
    expect(await page.call("abandonUpload", cluster.urls, "given up")).toBe("Error: enough");
    const head = await rawRequest(cluster.urls[0] ?? "", { method: "HEAD", path: "/v1/files/demo/given%20up" });
    expect(head.status).toBe(404);
  });

  it("lists page by page", async () => {
    for (const key of ["list/a", "list/b/1", "list/b/2", "list/c", "list/d", "list/it's"]) {
      await page.call("uploadText", cluster.urls, key, key);
    }
    expect(await page.call("list", cluster.urls, "list/")).toEqual([
      "list/a",
      "list/b/",
      "list/c",
      "list/d",
      "list/it's",
    ]);
    expect(await page.call("list", cluster.urls, "list/it's")).toEqual(["list/it's"]);
  });

  it("does everything else that the client does in Node", async () => {
    await page.call("uploadText", cluster.urls, "everything", "content");
    expect(await page.call("useEverything", cluster.urls, "everything")).toEqual({
      ping: true,
      metadata: { title: "naïve" },
      contentType: "application/octet-stream",
      part: "ont",
      copied: true,
      renamed: true,
      deleted: true,
      deletedAgain: false,
      absent: true,
      step: "invalid_key",
    });
  });

  it("reaches no server that does not know the page's origin", async () => {
    const stranger = await PageServer.start();
    const other = await BrowserPage.open("skip" in chromium ? "" : (chromium[0] ?? ""), `${stranger.origin}/`);
    expect(await other.call("failToDownload", cluster.urls, "text")).toMatchObject({ code: "server_unreachable" });
    await other.close();
    await stranger.close();
  });
});
