import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { Agent } from "node:http";
import { readdir } from "node:fs/promises";
import { HEADER, parseNamespaceName } from "@koboldfs/protocol";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { refOf } from "../../blobs/conformance/test-blobs.js";
import { type MadeVolumes, makeVolumes } from "../../blobs/disk/test-volumes.js";
import { RemoteUpkeep } from "../../cluster/remote-upkeep.js";
import { PeerConnection } from "../../blobs/remote/peer-connection.js";
import { RemoteBlobStore } from "../../blobs/remote/remote-blob-store.js";
import { newSigner, NODE, type RunningNodeFace, startNodeFace } from "./test-node-face.js";

const NAMESPACE = parseNamespaceName("photos");
const PATH = "/v1/node/blobs/photos";

let made: MadeVolumes;
let face: RunningNodeFace;
beforeEach(async () => {
  made = await makeVolumes({ count: 1 });
  face = await startNodeFace(made.set);
});
afterEach(async () => {
  await face.close();
  await made.close();
});

/** A signed upload whose body the test sends by hand. */
function beginUpload(headers: Record<string, string | number>) {
  const signature = newSigner().sign({ method: "PUT", rawPath: PATH, headers: {} }, NODE);
  const agent = new Agent();
  const upload = httpRequest(`${face.url}${PATH}`, {
    agent,
    method: "PUT",
    headers: { ...headers, [HEADER.nodeSignature]: signature },
  });
  upload.on("error", () => {});
  return upload;
}

async function filesInBlobs(): Promise<string[]> {
  const found = await readdir(`${made.directories[0]}/blobs`, { recursive: true, withFileTypes: true });
  return found.filter((one) => one.isFile()).map((one) => one.name);
}

describe("the node face", () => {
  it("says who it is, and passes nudges on", async () => {
    expect(await face.peer.ping()).toMatchObject({ node: NODE, name: "anna" });
    await face.peer.nudge();
    expect(face.nudges.count).toBe(1);
  });

  it("says how its repair, its scrub and its volumes are, and takes orders to scrub", async () => {
    const remote = new RemoteUpkeep(face.peer);
    expect(await remote.getUpkeep()).toEqual(face.upkeep.answer);
    for (const repairs of [true, false]) await remote.orderScrub({ repairs });
    expect(face.upkeep.orders).toEqual([{ repairs: true }, { repairs: false }]);
    face.upkeep.answer = { volumes: [] } as never;
    await expect(remote.getUpkeep()).rejects.toMatchObject({ code: "peer_failed" });
    face.upkeep.failure = new Error("planted");
    await expect(remote.orderScrub({ repairs: true })).rejects.toMatchObject({ code: "peer_failed" });
  });

  it("says with the bytes of a blob how many clients it serves", async () => {
    const store = new RemoteBlobStore(face.peer);
    const bytes = randomBytes(100);
    const write = await made.set.create(NAMESPACE);
    await write.write(bytes);
    await write.finish();
    for (const senderServes of [12, 0]) {
      face.traffic.atOnce = senderServes;
      expect(await store.open(refOf(NAMESPACE, bytes))).toMatchObject({ sizeBytes: 100, senderServes });
      expect(await store.open(refOf(NAMESPACE, bytes), { start: 0, end: 9 })).toMatchObject({ senderServes });
    }
  });

  it("answers nothing to a request that is not signed with the cluster's secret", async () => {
    const signer = newSigner("another secret");
    const stranger = new PeerConnection({ url: face.url, sign: (request) => signer.sign(request, NODE) });
    const store = new RemoteBlobStore(stranger);
    const bytes = randomBytes(10);
    const refused = { code: "peer_refused", message: expect.stringContaining("cluster's secret") };
    await expect(stranger.ping()).rejects.toMatchObject(refused);
    await expect(stranger.nudge()).rejects.toMatchObject(refused);
    await expect(store.open(refOf(NAMESPACE, bytes))).rejects.toMatchObject(refused);
    await expect(store.stat(refOf(NAMESPACE, bytes))).rejects.toMatchObject({ code: "peer_refused" });
    const write = await store.create(NAMESPACE);
    await write.write(bytes);
    await expect(write.finish()).rejects.toMatchObject(refused);
    await stranger.close();
    expect(face.nudges.count).toBe(0);
    expect(await filesInBlobs()).toEqual([]);
    for (const path of ["/v1/node/ping", `${PATH}/${"a".repeat(64)}`]) {
      expect((await fetch(face.url + path)).status).toBe(401);
    }
  });

  it.each([
    ["of announced length", { "content-length": 10_000_000 }],
    ["of unknown length", { "transfer-encoding": "chunked" }],
  ])("forgets an upload %s whose connection is cut", async (_name, headers) => {
    const upload = beginUpload(headers);
    upload.write(randomBytes(3_000_000));
    // Only what has arrived can be left behind.
    await vi.waitFor(async () => expect(await made.leftovers()).toHaveLength(1), { timeout: 5000, interval: 5 });
    upload.destroy();
    await vi.waitFor(async () => expect(await made.leftovers()).toEqual([]), { timeout: 5000, interval: 5 });
    expect(await filesInBlobs()).toEqual([]);
  });

  it("answers a refused upload on the same connection, with the reason", async () => {
    const upload = beginUpload({ [HEADER.blobDigest]: "not a digest", "content-length": 5 });
    upload.end("hello");
    const [response] = await once(upload, "response");
    expect(response.statusCode).toBe(401);
    response.resume();
  });

  it("takes a body larger than any limit of the web framework", async () => {
    const bytes = randomBytes(5_000_000);
    const upload = beginUpload({ "content-length": bytes.length, "content-type": "application/json" });
    upload.end(bytes);
    const [response] = await once(upload, "response");
    expect(response.statusCode).toBe(200);
    response.resume();
    expect(await filesInBlobs()).toEqual([refOf(NAMESPACE, bytes).digest]);
  });

  it("refuses a range in any form that nodes do not use", async () => {
    const bytes = randomBytes(100);
    const write = await made.set.create(NAMESPACE);
    await write.write(bytes);
    await write.finish();
    const { digest } = refOf(NAMESPACE, bytes);
    for (const range of ["bytes=5-", "bytes=-5", "bytes=1-2,4-5", "lines=1-2"]) {
      const response = await face.peer.ask({ method: "GET", rawPath: `${PATH}/${digest}`, headers: { range } });
      expect(response.statusCode).toBe(400);
      await response.body.dump();
    }
  });
});
