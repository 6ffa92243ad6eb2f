import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { walkListing } from "../../blobs/blob-lister.js";
import { MemoryBlobStore } from "../../blobs/memory/memory-blob-store.js";
import { RemoteBlobLister } from "../../blobs/remote/remote-blob-lister.js";
import { LISTED, type RunningNodeFace, startNodeFace } from "./test-node-face.js";

let face: RunningNodeFace;

beforeEach(async () => {
  face = await startNodeFace(new MemoryBlobStore());
});
afterEach(() => face.close());

describe("what lies on a node", () => {
  it("is listed for a peer, page by page", async () => {
    const lister = new RemoteBlobLister(face.peer);
    expect(await lister.listBlobs("", 10)).toEqual({ blobs: LISTED, next: "00ff" });
    const all = [];
    for await (const ref of walkListing(lister, 10)) all.push(ref);
    expect(all).toEqual(LISTED);
  });

  it("is not told to who is no peer, nor from a place that is none", async () => {
    expect((await fetch(`${face.url}/v1/node/listing?after=&limit=1`)).status).toBe(401);
    const lister = new RemoteBlobLister(face.peer);
    await expect(lister.listBlobs("../.", 1)).rejects.toMatchObject({ code: "peer_failed" });
  });
});
