import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { KoboldError, type NamespaceName, parseNamespaceName } from "@koboldfs/protocol";
import { afterEach, describe, expect, it, vi } from "vitest";
import { refOf } from "../../blobs/conformance/test-blobs.js";
import type { BlobStore, BlobWrite, OpenBlob } from "../../blobs/blob-store.js";
import { MemoryBlobStore } from "../../blobs/memory/memory-blob-store.js";
import { PeerConnection } from "../../blobs/remote/peer-connection.js";
import { RemoteBlobStore } from "../../blobs/remote/remote-blob-store.js";
import { newSigner, NODE, startNodeFace } from "./test-node-face.js";

const NAMESPACE = parseNamespaceName("photos");
/** Short, so that the tests are; nothing here asserts how long anything took. */
const TIMEOUTS = { progressTimeoutMs: 200, finishTimeoutMs: 400 };
const LARGE = 8 * 1024 * 1024;

/** Where the peer is healthy: long enough for a machine that is busy with other tests. */
const PATIENT = { progressTimeoutMs: 1000, finishTimeoutMs: 10_000 };

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

function connect(url: string, timeouts = TIMEOUTS): RemoteBlobStore {
  const signer = newSigner();
  const peer = new PeerConnection({ url, sign: (request) => signer.sign(request, NODE), ...timeouts });
  closing.push(() => peer.close());
  return new RemoteBlobStore(peer);
}

/** A peer that does to each connection what the test says. */
async function startPeer(serve: (socket: Socket) => void): Promise<{ store: RemoteBlobStore; server: Server }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    serve(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { store: connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), server };
}

async function put(store: BlobStore, sizeBytes: number): Promise<unknown> {
  const write = await store.create(NAMESPACE);
  for (let sent = 0; sent < sizeBytes; sent += 65_536) await write.write(randomBytes(65_536));
  return write.finish();
}

async function readWhole(blob: OpenBlob | undefined): Promise<number> {
  if (blob === undefined || Buffer.isBuffer(blob.content)) throw new Error("no stream was opened");
  let sizeBytes = 0;
  for await (const chunk of blob.content) sizeBytes += (chunk as Buffer).length;
  return sizeBytes;
}

const ref = refOf(NAMESPACE, randomBytes(5));

describe("a peer that fails", () => {
  it("is peer_failed when nobody listens", async () => {
    const { store, server } = await startPeer(() => {});
    server.close();
    await once(server, "close");
    await expect(store.open(ref)).rejects.toMatchObject({ code: "peer_failed" });
    await expect(store.stat(ref)).rejects.toMatchObject({ code: "peer_failed" });
    await expect(put(store, 65_536)).rejects.toMatchObject({ code: "peer_failed" });
    await expect(put(store, LARGE)).rejects.toMatchObject({ code: "peer_failed" });
  });

  it("is peer_failed when it takes connections and never answers", async () => {
    const { store } = await startPeer((socket) => socket.resume());
    await expect(store.open(ref)).rejects.toMatchObject({ code: "peer_failed" });
    await expect(store.stat(ref)).rejects.toMatchObject({ code: "peer_failed" });
    await expect(put(store, 65_536)).rejects.toMatchObject({ code: "peer_failed" });
    await expect(put(store, LARGE)).rejects.toMatchObject({ code: "peer_failed" });
  });

  it("is peer_failed when it stops taking bytes in the middle of an upload", async () => {
    const { store } = await startPeer((socket) => socket.once("data", () => socket.pause()));
    await expect(put(store, 16 * LARGE)).rejects.toMatchObject({ code: "peer_failed" });
  });

  it("is peer_failed when it dies in the middle of an upload", async () => {
    const { store } = await startPeer((socket) => socket.once("data", () => socket.destroy()));
    await expect(put(store, LARGE)).rejects.toMatchObject({ code: "peer_failed" });
  });

  it("is peer_failed when it cuts a body short, or stops in the middle of it", async () => {
    const head = "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n";
    for (const after of ["cut", "stall"]) {
      const { store } = await startPeer((socket) =>
        socket.once("data", () => {
          socket.write(head + "x".repeat(500_000));
          if (after === "cut") socket.end();
        }),
      );
      await expect(store.open(ref).then(readWhole)).rejects.toMatchObject({ code: "peer_failed" });
    }
  });

  it("is peer_failed when a 404 does not come from a node face", async () => {
    const { store } = await startPeer((socket) =>
      socket.once("data", () => socket.end("HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno")),
    );
    await expect(store.open(ref)).rejects.toMatchObject({ code: "peer_failed" });
    await expect(store.stat(ref)).rejects.toMatchObject({ code: "peer_failed" });
  });

  it("is peer_failed when it answers to a blob with something else than what it stored", async () => {
    const answers = ["{}", "[]", "x", `{"digest":"${ref.digest}","sizeBytes":1}`, "x".repeat(100_000)];
    for (const answer of answers) {
      const { store } = await startPeer((socket) =>
        socket.once("data", () => socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${answer.length}\r\n\r\n${answer}`)),
      );
      await expect(put(store, 65_536)).rejects.toMatchObject({ code: "peer_failed" });
    }
  });
});

/** A store that has no room: at the beginning, or after some bytes. */
class FullStore extends MemoryBlobStore {
  readonly #when: "create" | "write";

  constructor(when: "create" | "write") {
    super();
    this.#when = when;
  }

  override async create(namespace: NamespaceName): Promise<BlobWrite> {
    const full = () => Promise.reject(new KoboldError("disk_full", "no room"));
    if (this.#when === "create") return full();
    const write = await super.create(namespace);
    return { write: full, finish: full, abort: () => write.abort() };
  }
}

describe("a peer without room", () => {
  it.each(["create", "write"] as const)("passes its disk_full on, small and large, met at %s", async (when) => {
    const face = await startNodeFace(new FullStore(when));
    closing.push(() => face.close());
    const store = connect(face.url, PATIENT);
    await expect(put(store, 65_536)).rejects.toMatchObject({ code: "disk_full" });
    await expect(put(store, LARGE)).rejects.toMatchObject({ code: "disk_full" });
  });
});

describe("a slow side that is not the peer", () => {
  it("is not held against the peer: a writer that pauses, and a reader that pauses", { timeout: 60_000 }, async () => {
    const face = await startNodeFace(new MemoryBlobStore());
    closing.push(() => face.close());
    const store = connect(face.url, PATIENT);
    const bytes = randomBytes(LARGE);
    const write = await store.create(NAMESPACE);
    await write.write(bytes.subarray(0, LARGE / 2));
    await pause();
    await write.write(bytes.subarray(LARGE / 2));
    await write.finish();
    const blob = await store.open(refOf(NAMESPACE, bytes));
    if (blob === undefined || Buffer.isBuffer(blob.content)) throw new Error("no stream was opened");
    let got = 0;
    for await (const chunk of blob.content) {
      if (got === 0) await pause();
      got += (chunk as Buffer).length;
    }
    expect(got).toBe(LARGE);
  });

  /** Longer than a peer may go without progress: the pause itself is what is tested. */
  const pause = () => new Promise((resolve) => setTimeout(resolve, 2.5 * PATIENT.progressTimeoutMs));
});

describe("an upload that is given up", () => {
  it("cuts the connection of a large one, and never begins a small one", async () => {
    let connections = 0;
    const closed = vi.fn<() => void>();
    const { store } = await startPeer((socket) => {
      connections += 1;
      socket.resume().once("close", closed);
    });
    const small = await store.create(NAMESPACE);
    await small.write(randomBytes(1000));
    await small.abort();
    expect(connections).toBe(0);
    const large = await store.create(NAMESPACE);
    await large.write(randomBytes(100_000));
    await vi.waitFor(() => expect(connections).toBe(1));
    await large.abort();
    await vi.waitFor(() => expect(closed).toHaveBeenCalledOnce());
  });
});
