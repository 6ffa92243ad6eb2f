import { CACHE_BYTES } from "../../blobs/cached-blob-store.js";
import { MAX_LENT } from "../../blobs/piece-pool.js";
import type { NodeConfig } from "../../config/node-config.js";
import { MAX_RUNNING } from "../../http/create-http-server.js";
import { type ProcessShares, shareOut } from "../../model/process-shares.js";

/** What each process of the node may use. */
export function boundsOf({ workers }: Pick<NodeConfig, "workers">): ProcessShares {
  return shareOut({ running: MAX_RUNNING, cacheBytes: CACHE_BYTES, pieces: MAX_LENT }, workers);
}
