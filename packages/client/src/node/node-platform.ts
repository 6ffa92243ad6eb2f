import { createHash, hash } from "node:crypto";
import { Writable } from "node:stream";
import type { Hasher, Platform } from "../platform.js";
import type { ConnectionLimits } from "../session/open-session.js";
import { createFileSink } from "./file-sink.js";
import { openFileBody } from "./file-body.js";
import { WebStreamSink } from "../transfer/web-stream-sink.js";
import { StreamSink } from "./stream-sink.js";
import { UndiciTransport } from "./undici-transport.js";

/** Node's network, files and hashing. */
export function createNodePlatform(limits: ConnectionLimits): Platform {
  return {
    transport: new UndiciTransport(limits),
    createHasher,
    hash: hashBytes,
    openPath: (path) => openFileBody(path, hashBytes),
    createFile: createFileSink,
    wrapStream: (target) => {
      if (target instanceof Writable) return new StreamSink(target);
      return target instanceof WritableStream ? new WebStreamSink(target) : undefined;
    },
  };
}

function createHasher(): Hasher {
  const sha256 = createHash("sha256");
  return {
    update: (bytes) => {
      sha256.update(bytes);
    },
    digest: () => sha256.digest("hex"),
  };
}

function hashBytes(bytes: Uint8Array): string {
  return hash("sha256", bytes, "hex");
}
