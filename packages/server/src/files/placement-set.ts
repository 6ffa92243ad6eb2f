import { type Digest, KoboldError, type NamespaceName, type NodeId } from "@koboldfs/protocol";
import type { BlobWriteOptions, PlacedBlob } from "../blobs/blob-store.js";
import type { Peer } from "../cluster/cluster.js";
import type { Logger } from "../runtime/logger.js";
import { type FileContext, ownPermissions } from "./file-context.js";
import { openPeerPlacement, type Placement } from "./placement.js";
import type { PutRequest } from "./put-request.js";

/** Who has the bytes now, fsynced. */
export interface PlacedCopies {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly nodes: readonly NodeId[];
  /** Monotonic time before the first of them became durable. */
  readonly since: number;
  /** See `PutChange`. */
  readonly placedAfter: number;
}

interface PeerPlacement extends Placement {
  readonly peer: Peer;
}

interface PlacementSetOptions {
  readonly context: FileContext;
  readonly namespace: NamespaceName;
  readonly wanted: number;
  readonly local: Placement | undefined;
  readonly peers: readonly PeerPlacement[];
  readonly spare: readonly Peer[];
  readonly placedAfter: number;
}

/** Begins the blob here and on as many of the best peers as make up `wanted`. A peer that fails is left out. */
export async function openPlacements(context: FileContext, request: PutRequest, wanted: number): Promise<PlacementSet> {
  const { cluster } = context;
  // One look at all nodes before the first byte: later ones would take a node that lost its copy for one that has it.
  const placedAfter = Math.max(...cluster.nodes().map(({ joinedAt }) => joinedAt));
  const local = ownPermissions(cluster).takesPuts ? await openLocal(context, request) : undefined;
  const candidates = cluster.placementPeers();
  const chosen = candidates.slice(0, local === undefined ? wanted : wanted - 1);
  const opened = await Promise.all(chosen.map((peer) => openPeer(context, request, peer)));
  const peers = opened.filter((placement) => placement !== undefined);
  const spare = candidates.slice(chosen.length);
  return new PlacementSet({ context, namespace: request.namespace, wanted, local, peers, spare, placedAfter });
}

async function openLocal({ store, cluster }: FileContext, request: PutRequest): Promise<Placement> {
  const write = await store.create(request.namespace, announcedOf(request));
  return {
    node: cluster.self,
    write: (chunk) => write.write(chunk),
    finish: () => write.finish(),
    abort: () => write.abort(),
  };
}

async function openPeer(
  { clock, log }: FileContext,
  request: PutRequest,
  peer: Peer,
): Promise<PeerPlacement | undefined> {
  try {
    const options = { peer, namespace: request.namespace, announced: announcedOf(request), clock };
    return Object.assign(await openPeerPlacement(options), { peer });
  } catch (cause) {
    blame(peer, cause, log);
    return undefined;
  }
}

function announcedOf({ sizeBytes, digest }: PutRequest): BlobWriteOptions {
  return { ...(sizeBytes !== undefined && { sizeBytes }), ...(digest !== undefined && { digest }) };
}

/** The peer failed, not the put: others take its share, now or later. */
export function blame(peer: Peer, cause: unknown, log: Logger): void {
  peer.reportFailure(cause);
  log.warn({ node: peer.node.name, err: cause }, "a peer failed to take a copy");
}

/** The placements of one put. This node's own must succeed; a peer's that fails is dropped. */
export class PlacementSet {
  readonly namespace: NamespaceName;
  readonly wanted: number;
  readonly #context: FileContext;
  readonly #local: Placement | undefined;
  readonly #peers: Set<PeerPlacement>;
  readonly #spare: Peer[];
  readonly #placedAfter: number;

  constructor({ context, namespace, wanted, local, peers, spare, placedAfter }: PlacementSetOptions) {
    this.#context = context;
    this.namespace = namespace;
    this.wanted = wanted;
    this.#local = local;
    this.#peers = new Set(peers);
    this.#spare = [...spare];
    this.#placedAfter = placedAfter;
  }

  /** How many copies there can still be: those on their way, and peers that have not been tried yet. */
  attainable(): number {
    const running = this.#peers.size + (this.#local === undefined ? 0 : 1);
    return this.#local === undefined ? running : running + this.#spare.length;
  }

  /** The next peer that may take the place of one that failed. Only this node's own blob can be sent on. */
  nextSpare(): Peer | undefined {
    return this.#local === undefined ? undefined : this.#spare.shift();
  }

  /** Resolves when all took the chunk. Rejects when this node cannot, or when nobody is left who could. */
  async write(chunk: Uint8Array): Promise<void> {
    const peers = Array.from(this.#peers, (placement) => this.#orDrop(placement, placement.write(chunk)));
    await Promise.all([this.#local?.write(chunk), ...peers]);
    if (this.attainable() === 0) throw new KoboldError("too_few_copies", "every node that took the file failed");
  }

  /** Makes all placements durable at once and compares what they say they have. */
  async finish(sizeBytes: number): Promise<PlacedCopies> {
    const since = this.#context.clock.monotonic();
    const peers = Array.from(this.#peers, async (placement) => {
      const blob = await this.#orDrop(placement, placement.finish(sizeBytes));
      return blob && { placement, blob };
    });
    const [own, ...others] = await Promise.all([this.#local?.finish(sizeBytes), ...peers]);
    const done = others.filter((other) => other !== undefined);
    const good = own ?? done[0]?.blob;
    if (good === undefined) throw new KoboldError("too_few_copies", "every node that took the file failed");
    const agreeing = done.filter(({ placement, blob }) => this.#agrees(placement, blob, good));
    const nodes = agreeing.map(({ placement }) => placement.node);
    if (own !== undefined) nodes.unshift(this.#context.cluster.self);
    return { digest: good.digest, sizeBytes: good.sizeBytes, nodes, since, placedAfter: this.#placedAfter };
  }

  /** Forgets every placement that is not durable yet. Never throws. */
  async abort(): Promise<void> {
    await Promise.all([this.#local?.abort(), ...Array.from(this.#peers, (placement) => placement.abort())]);
  }

  #agrees(placement: PeerPlacement, blob: PlacedBlob, good: PlacedBlob): boolean {
    if (blob.digest === good.digest && blob.sizeBytes === good.sizeBytes) return true;
    const cause = new KoboldError("digest_mismatch", `it stored ${blob.digest}, this node ${good.digest}`);
    blame(placement.peer, cause, this.#context.log);
    return false;
  }

  async #orDrop<T>(placement: PeerPlacement, work: Promise<T>): Promise<T | undefined> {
    try {
      return await work;
    } catch (cause) {
      this.#peers.delete(placement);
      blame(placement.peer, cause, this.#context.log);
      // Not awaited: the peer may be the one that does not answer. `abort` never throws.
      void placement.abort();
      return undefined;
    }
  }
}
