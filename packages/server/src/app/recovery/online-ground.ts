import { randomBytes } from "node:crypto";
import { KoboldError, type NodeId, type StatusReply } from "@koboldfs/protocol";
import { NodeSigner } from "../../auth/node-signature.js";
import type { BlobRef } from "../../blobs/blob-store.js";
import { PeerConnection } from "../../blobs/remote/peer-connection.js";
import { RemoteBlobLister } from "../../blobs/remote/remote-blob-lister.js";
import { RemoteBlobStore } from "../../blobs/remote/remote-blob-store.js";
import { RemoteMirror } from "../../mirror/remote/remote-mirror.js";
import type { NodeInventory } from "../../recovery/copy-check.js";
import type { HistorySource } from "../../recovery/history-source.js";
import type { Clock } from "../../runtime/clock.js";
import { loopbackSecret } from "../loopback-secret.js";
import { isGood } from "./offline-ground.js";
import { type RecoveryGround, reasonOf, type UnusableSource } from "./recovery-ground.js";

export interface OnlineOptions {
  /** URLs of nodes; they name the others. */
  readonly servers: readonly string[];
  /** Absent: they listen on loopback and have none. */
  readonly clusterSecret?: string | undefined;
  /** What clients of the nodes send; by default the cluster secret. */
  readonly token?: string | undefined;
  readonly verify: boolean;
  readonly clock: Clock;
}

/** A node that runs answers its status within this, even while its catalog is away. */
const STATUS_MS = 10_000;

/**
 * Nodes that run while their catalog is lost: those that are named, and those that they know. Throws `rebuild_refused`
 * when a catalog answers them: then nothing is lost, and what is made here would be left behind at once.
 */
export async function openOnlineGround(options: OnlineOptions): Promise<RecoveryGround> {
  const unusable: UnusableSource[] = [];
  const { clusterId, nodes } = await askAll(options, unusable);
  const connections: PeerConnection[] = [];
  const sources: HistorySource[] = [];
  const inventories: NodeInventory[] = [];
  const signer = new NodeSigner({
    ...{ cluster: clusterId, clock: options.clock, node: randomBytes(8).toString("hex") as NodeId },
    secret: options.clusterSecret ?? loopbackSecret(clusterId),
  });
  const close = async () => {
    for (const connection of connections) await connection.close();
  };
  for (const { id, url } of nodes) {
    const connection = new PeerConnection({ url, sign: (request) => signer.sign(request, id) });
    connections.push(connection);
    try {
      const mirror = new RemoteMirror(connection);
      await mirror.head();
      sources.push({ name: url, mirror, listBranches: async () => [] });
      inventories.push(inventoryOf(id, connection, options.verify));
    } catch (error) {
      unusable.push({ name: url, reason: reasonOf(error) });
    }
  }
  if (sources.length > 0) return { clusterId, sources, inventories, unusable, close };
  await close();
  throw new KoboldError(
    "rebuild_refused",
    `no node gave its mirror: ${unusable.map(({ reason }) => reason).join("; ")}`,
  );
}

function inventoryOf(node: NodeId, connection: PeerConnection, verify: boolean): NodeInventory {
  const store = new RemoteBlobStore(connection);
  const lister = new RemoteBlobLister(connection);
  return { node, lister, ...(verify && { verify: (ref: BlobRef) => isGood(store, ref) }) };
}

interface RunningNode {
  readonly id: NodeId;
  readonly url: string;
}

/** Every node that one of the servers knows and that may have something, each once. */
async function askAll(options: OnlineOptions, unusable: UnusableSource[]) {
  const nodes = new Map<NodeId, RunningNode>();
  const clusters = new Set<string>();
  for (const server of options.servers) {
    try {
      const status = await askStatus(server, options);
      if (status.asOf === undefined) {
        throw new KoboldError("rebuild_refused", `the catalog of ${server} answers: it is not lost`);
      }
      clusters.add(status.cluster);
      const known = status.nodes.filter(({ order }) => order !== "dead");
      for (const { id, name, url } of known) {
        nodes.set(id as NodeId, { id: id as NodeId, url: name === status.node ? server : url });
      }
    } catch (error) {
      if (error instanceof KoboldError && error.code === "rebuild_refused") throw error;
      unusable.push({ name: server, reason: reasonOf(error) });
    }
  }
  const [clusterId, other] = [...clusters];
  if (clusterId !== undefined && other === undefined) return { clusterId, nodes: [...nodes.values()] };
  const reasons = unusable.map(({ name, reason }) => `${name}: ${reason}`).join("; ");
  throw new KoboldError("rebuild_refused", other === undefined ? reasons : "the servers belong to different clusters");
}

async function askStatus(
  server: string,
  { clusterSecret, token = clusterSecret }: OnlineOptions,
): Promise<StatusReply> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const reply = await fetch(new URL("/v1/status", server), { headers, signal: AbortSignal.timeout(STATUS_MS) });
  if (!reply.ok) throw new Error(`${server} answered ${reply.status}: ${(await reply.text()).slice(0, 300)}`);
  return (await reply.json()) as StatusReply;
}
