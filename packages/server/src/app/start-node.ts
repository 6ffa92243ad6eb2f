import { KoboldError, type NodeId } from "@koboldfs/protocol";
import { advertisedUrl, describeConfig, type NodeConfig } from "../config/node-config.js";
import { type Clock, systemClock } from "../runtime/clock.js";
import { checkCrashPointVariable } from "../runtime/crash-points.js";
import type { Logger } from "../runtime/logger.js";
import { buildNode, type NodeParts } from "./build-node.js";
import { createNodeLogger } from "./node-logger.js";
import { Teardown } from "./teardown.js";

export interface StartOptions {
  /** Defaults to JSON lines on standard output. */
  readonly log?: Logger;
  /** Fired while the node starts, it ends the start; afterwards it does nothing. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  /** How long to wait for a catalog that does not answer. */
  readonly catalogPatienceMs?: number;
}

/** A node that serves. */
export interface RunningNode {
  readonly id: NodeId;
  /** Where it listens, with the port that it got. */
  readonly port: number;
  /** Where peers and clients reach it. */
  readonly url: string;
  /** Resolves when the cluster does not want this node any more: whoever runs it should stop it. */
  readonly expelled: Promise<void>;
  /** Refuses new requests, finishes running ones, then closes everything. Idempotent. */
  stop(): Promise<void>;
}

/** A timer that only is there. */
const LONG_MS = 60 * 60_000;

/**
 * Starts a node: catalog, volumes, server, registration, workers. Resolves when it serves; on failure nothing is left
 * running. Throws coded errors.
 */
export async function startNode(config: NodeConfig, options: StartOptions = {}): Promise<RunningNode> {
  const log = options.log ?? createNodeLogger(config.log, config.name);
  if (checkCrashPointVariable()) log.warn({ event: "crash_points_armed" }, "a test may end this process");
  const teardown = new Teardown(log);
  log.debug({ config: describeConfig(config) }, "starting");
  // The waits of a start keep no process alive, and before it listens nothing else does: it would end with success.
  const alive = setInterval(() => {}, LONG_MS);
  try {
    return await startParts(config, { ...options, log }, teardown);
  } catch (error) {
    await teardown.run();
    throw error;
  } finally {
    clearInterval(alive);
  }
}

async function listen({ server, readers }: NodeParts, config: NodeConfig): Promise<{ port: number }> {
  try {
    if (config.workers > 1) return await readers.listen(server);
    return await server.start(config.listen);
  } catch (cause) {
    throw new KoboldError("listen_failed", `cannot listen: ${(cause as Error).message}`, { cause });
  }
}

async function startParts(
  config: NodeConfig,
  options: StartOptions & { log: Logger },
  teardown: Teardown,
): Promise<RunningNode> {
  const { log } = options;
  const signal = options.signal ?? new AbortController().signal;
  const node = await buildNode(config, { ...options, signal, clock: options.clock ?? systemClock }, teardown);
  teardown.add("the reader processes", () => node.readers.close());
  teardown.add("the server", () => node.server.stop(node.readers.stop()));
  const { port } = await listen(node, config);
  const url = advertisedUrl(config, port);
  await node.join(url);
  node.startWorkers();
  node.readers.start();
  if (signal.aborted) throw new KoboldError("shutting_down", "the node was told to stop while it started");
  log.info({ event: "listening", url, port, id: node.id, cluster: node.clusterId }, `listening at ${url}`);
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    log.info({ event: "stopping" }, "stopping: finishing what runs");
    await teardown.run();
    log.info({ event: "stopped" }, "stopped");
  };
  return {
    id: node.id,
    port,
    url,
    expelled: node.expelled,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}
