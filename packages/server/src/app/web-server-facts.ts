import { join } from "node:path";
import { KoboldError } from "@koboldfs/protocol";
import { deriveUrlKey, type UrlKey } from "../auth/url-signature.js";
import { BLOBS_FOLDER } from "../blobs/disk/disk-volume.js";
import { findVolumeRecords } from "../blobs/disk/open-volumes.js";
import { type ConfigInput, loadConfig } from "../config/load-config.js";
import { needsClusterSecret } from "../config/node-config.js";
import { isWildcard, formatListen } from "../config/setting-values.js";
import { ACCEL_PREFIX } from "../http/offload.js";
import { loopbackSecret } from "./loopback-secret.js";

/** What a web server in front of a node has to know of it. */
export interface WebServerFacts {
  readonly node: string;
  /** HOST:PORT on which the node is reached from its own machine. */
  readonly upstream: string;
  /** The volumes' blob folders, in the order in which answers with X-Accel-Redirect count them. */
  readonly blobFolders: readonly string[];
  /** Under which such answers say where bytes are: this, the number of the folder, a slash, the place in it. */
  readonly accelPrefix: string;
  /** Whether the node gives such answers. */
  readonly isAccelerated: boolean;
  /** Whoever reaches the node may do everything: it asks for no token, because it listens on loopback only. */
  readonly isOpen: boolean;
  /** What signs direct URLs, the newest first. */
  readonly urlKeys: readonly UrlKey[];
}

/** From the node's configuration, and where that has no secret from its volumes. Throws `config_invalid`. */
export async function readWebServerFacts(input: ConfigInput): Promise<WebServerFacts> {
  const { config } = await loadConfig(input);
  const { host, port } = config.listen;
  if (port === 0) throw new KoboldError("config_invalid", "listen has no fixed port that a web server could know");
  return {
    node: config.name,
    upstream: formatListen({ host: isWildcard(host) ? "127.0.0.1" : host, port }),
    blobFolders: config.data.map((directory) => join(directory, BLOBS_FOLDER)),
    accelPrefix: ACCEL_PREFIX,
    isAccelerated: config.accel,
    isOpen: config.token === undefined && !needsClusterSecret(config),
    urlKeys: config.urlKeys.length > 0 ? config.urlKeys : [deriveUrlKey(await findSecret(config))],
  };
}

async function findSecret({ clusterSecret, data }: { clusterSecret?: string; data: readonly string[] }) {
  if (clusterSecret !== undefined) return clusterSecret;
  const [record] = await findVolumeRecords(data);
  if (record !== undefined) return loopbackSecret(record.cluster);
  const hint = "start it once, or set cluster_secret or url_keys";
  throw new KoboldError("config_invalid", `the node has not started yet, so nobody knows what signs its URLs: ${hint}`);
}
