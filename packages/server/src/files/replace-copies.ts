import { KoboldError } from "@koboldfs/protocol";
import type { Peer } from "../cluster/cluster.js";
import type { FileContext } from "./file-context.js";
import { openPeerPlacement } from "./placement.js";
import { blame, type PlacedCopies, type PlacementSet } from "./placement-set.js";
import type { PutRequest } from "./put-request.js";

/**
 * Sends this node's own copy to peers that were not tried yet, one after the other, while there are such and copies
 * are missing. What is missing after that becomes a debt, since the commit names only those that have the bytes.
 */
export async function replaceLostCopies(
  context: FileContext,
  placements: PlacementSet,
  placed: PlacedCopies,
): Promise<PlacedCopies> {
  const nodes = [...placed.nodes];
  while (nodes.length < placements.wanted) {
    const peer = placements.nextSpare();
    if (peer === undefined) break;
    if (await sendOwnCopy(context, { peer, namespace: placements.namespace, placed })) nodes.push(peer.node.id);
  }
  return { ...placed, nodes };
}

interface SendOptions {
  readonly peer: Peer;
  readonly namespace: PutRequest["namespace"];
  readonly placed: PlacedCopies;
}

async function sendOwnCopy(context: FileContext, options: SendOptions): Promise<boolean> {
  const { peer, namespace, placed } = options;
  const announced = { digest: placed.digest, sizeBytes: placed.sizeBytes };
  const own = await context.store.open({ namespace, digest: placed.digest });
  if (own === undefined) throw new KoboldError("disk_failed", `blob ${placed.digest} was placed here and is gone`);
  try {
    const placement = await openPeerPlacement({ peer, namespace, announced, clock: context.clock });
    try {
      for await (const chunk of chunksOf(own.content)) await placement.write(chunk);
      await placement.finish(placed.sizeBytes);
    } catch (error) {
      void placement.abort();
      throw error;
    }
    return true;
  } catch (cause) {
    if (!Buffer.isBuffer(own.content)) own.content.destroy();
    blame(peer, cause, context.log);
    return false;
  }
}

function chunksOf(content: Buffer | AsyncIterable<Buffer>): AsyncIterable<Buffer> | readonly Buffer[] {
  return Buffer.isBuffer(content) ? [content] : content;
}
