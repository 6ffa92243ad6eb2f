import { KoboldError, type NodeId } from "@koboldfs/protocol";
import type { NodeRecord } from "../catalog/catalog.js";
import { NODE_STATES } from "../model/node-state.js";
import type { Logger } from "../runtime/logger.js";
import type { PeerConnector } from "./peer-link.js";

export interface ProveMembershipOptions {
  readonly self: NodeId;
  readonly nodes: readonly NodeRecord[];
  readonly connect: PeerConnector;
  readonly log: Logger;
}

/** A live peer answers a ping in milliseconds; one that does not answer proves nothing, and a start shall not wait for it. */
const ANSWER_MS = 2000;

/**
 * Asks every other node whether it takes this node's signature, before this node is entered anywhere: with another
 * secret it would count among the nodes that should hold every file, and could neither fetch nor give one.
 * Throws `peer_refused` when a node that answers refuses. Nodes that do not answer are passed over.
 */
export async function proveMembership(options: ProveMembershipOptions): Promise<void> {
  const others = options.nodes.filter((node) => node.id !== options.self && NODE_STATES[node.state].serves);
  const answers = await Promise.all(others.map((node) => askOne(node, options)));
  const refusal = answers.find((answer) => answer !== undefined);
  if (refusal !== undefined) throw refusal;
}

async function askOne(node: NodeRecord, { connect, log }: ProveMembershipOptions): Promise<KoboldError | undefined> {
  const link = connect(node);
  try {
    await link.ping(AbortSignal.timeout(ANSWER_MS));
    return undefined;
  } catch (error) {
    if (error instanceof KoboldError && error.code === "peer_refused") return error;
    log.debug({ node: node.name, err: error }, "a node does not answer while this one starts");
    return undefined;
  } finally {
    await link.close();
  }
}
