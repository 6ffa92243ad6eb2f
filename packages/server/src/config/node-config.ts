import { KoboldError, type NodeName } from "@koboldfs/protocol";
import type { StagingLimits } from "../model/transaction.js";
import {
  formatListen,
  invalid,
  isLoopback,
  isWildcard,
  type ListenAddress,
  type LogLevel,
  type UrlKeyConfig,
} from "./setting-values.js";

/** What a node needs to know before it starts, checked. */
export interface NodeConfig {
  readonly name: NodeName;
  readonly listen: ListenAddress;
  /** This machine's name: what a URL is made of when the node listens on every interface. */
  readonly host: string;
  /** As the operator wrote it; see `advertisedUrl`. */
  readonly url?: string;
  /** Absolute, at least one, each once. */
  readonly data: readonly string[];
  readonly dsn: string;
  readonly log: LogLevel;
  readonly intervalMs: number;
  readonly zone: string;
  readonly clusterSecret?: string;
  readonly token?: string;
  readonly ackCopies: number;
  readonly minCopies: number;
  readonly uploadTtlMs: number;
  readonly repairLanes: number;
  readonly repairBytesPerSecond: number;
  /** What unfinished transactions may stage. */
  readonly staging: StagingLimits;
  readonly scrubBytesPerSecond: number;
  readonly scrubAgainMs: number;
  readonly allowUnsafeCatalog: boolean;
  readonly corsOrigins: readonly string[];
  /** What signs direct URLs, the newest first; empty: a key of the cluster secret. */
  readonly urlKeys: readonly UrlKeyConfig[];
  /** A web server in front may be told where the bytes are. */
  readonly accel: boolean;
  /** Processes that share the port. */
  readonly workers: number;
}

/** Rules between settings. Throws `config_invalid` or `secret_required`. */
export function checkConfig(config: NodeConfig): NodeConfig {
  if (config.data.length === 0) throw invalid("no data directory is set; give at least one --data DIR");
  const twice = config.data.find((directory, index) => config.data.indexOf(directory) !== index);
  if (twice !== undefined) throw invalid(`data directory given twice: ${twice}`);
  const ids = config.urlKeys.map(({ id }) => id);
  if (new Set(ids).size < ids.length) throw invalid("two url_keys have the same id");
  if (config.url === undefined && isWildcard(config.listen.host) && isLoopback(config.host)) {
    throw invalid(
      "the node listens on every interface and its host name means loopback; set url to what peers can reach",
    );
  }
  if (needsClusterSecret(config) && config.clusterSecret === undefined) {
    throw new KoboldError("secret_required", `listening on ${formatListen(config.listen)} reaches beyond this machine`);
  }
  return config;
}

/** Whether others than this machine's own users can reach the node. */
export function needsClusterSecret(config: NodeConfig): boolean {
  return !isLoopback(config.listen.host);
}

/** What clients must send; undefined when they need nothing. */
export function clientToken(config: NodeConfig): string | undefined {
  return config.token ?? (needsClusterSecret(config) ? config.clusterSecret : undefined);
}

/** Where peers and clients reach the node, once it is known which port it got. */
export function advertisedUrl(config: NodeConfig, port: number): string {
  if (config.url !== undefined) return config.url;
  const host = isWildcard(config.listen.host) ? config.host : config.listen.host;
  return `http://${formatListen({ host, port })}`;
}

/** For the log: everything but the secrets. A dsn loses its password and parameters. */
export function describeConfig(config: NodeConfig): Record<string, unknown> {
  const { clusterSecret, token, staging, urlKeys, host: _, ...open } = config;
  return {
    ...{ ...open, transactionMaxBytes: staging.transactionBytes, stagedMaxBytes: staging.namespaceBytes },
    listen: formatListen(config.listen),
    dsn: redactDsn(config.dsn),
    clusterSecret: clusterSecret === undefined ? "unset" : "set",
    token: token === undefined ? "unset" : "set",
    urlKeys: urlKeys.map(({ id }) => id),
  };
}

/** `postgres://user:secret@h1,h2/db?x=y` becomes `postgres://user@h1,h2/db`. */
export function redactDsn(dsn: string): string {
  return dsn.replace(/^([a-z0-9+]+:\/\/[^:@/]*):.*@/i, "$1@").replace(/\?.*$/, "");
}
