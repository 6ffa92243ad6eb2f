import { KoboldError } from "@koboldfs/protocol";
import type { Platform } from "../platform.js";
import { WebStreamSink } from "../transfer/web-stream-sink.js";
import { prepareBlobBody } from "./blob-body.js";
import { FetchTransport } from "./fetch-transport.js";
import { createHasher, hashBytes } from "./sha256.js";

/** A browser's network and hashing. It has no paths. */
export function createBrowserPlatform(): Platform {
  return {
    transport: new FetchTransport(),
    createHasher,
    hash: hashBytes,
    prepareBody: prepareBlobBody,
    openPath: async (path) => {
      throw new KoboldError("source_unreadable", `a browser cannot read the path ${JSON.stringify(path)}: give a File`);
    },
    createFile: async (path) => {
      throw new KoboldError("target_unwritable", `a browser cannot write the path ${JSON.stringify(path)}`);
    },
    wrapStream: (target) => (target instanceof WritableStream ? new WebStreamSink(target) : undefined),
  };
}
