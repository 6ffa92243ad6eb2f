import type { AddressInfo } from "node:net";
import type { NodeId } from "@koboldfs/protocol";
import Fastify, { type FastifyInstance } from "fastify";
import { NodeSigner, NodeVerifier } from "../../auth/node-signature.js";
import type { BlobRef, BlobStore } from "../../blobs/blob-store.js";
import { PeerConnection, type PeerConnectionOptions } from "../../blobs/remote/peer-connection.js";
import { ScriptedUpkeep } from "../../cluster/test-upkeep.js";
import { MemoryMirror } from "../../mirror/memory/memory-mirror.js";
import { MirrorIntake } from "../../mirror/mirror-intake.js";
import { digestOf, NAMESPACE } from "../../model/test-changes.js";
import { systemClock } from "../../runtime/clock.js";
import { problemOf } from "../problem.js";
import { sendProblem } from "../send-problem.js";
import { nodeFace } from "./node-face.js";

export const SECRET = "a secret of tests";
export const CLUSTER = "0123456789abcdef0123456789abcdef";
export const NODE = "00112233aabbccdd" as NodeId;

/** What the node face of tests says that it has. */
export const LISTED: readonly BlobRef[] = [{ namespace: NAMESPACE, digest: digestOf("listed") }];

/** A node face over real HTTP on the loopback interface, for tests, and the way to it. */
export interface RunningNodeFace {
  readonly app: FastifyInstance;
  readonly url: string;
  readonly peer: PeerConnection;
  readonly mirror: MemoryMirror;
  readonly nudges: { count: number };
  readonly traffic: { atOnce: number };
  readonly upkeep: ScriptedUpkeep;
  close(): Promise<void>;
}

export async function startNodeFace(
  blobs: BlobStore,
  timeouts: Pick<PeerConnectionOptions, "progressTimeoutMs" | "finishTimeoutMs"> = {},
): Promise<RunningNodeFace> {
  const verifier = new NodeVerifier({ secret: SECRET, cluster: CLUSTER, self: NODE, clock: systemClock });
  const mirror = new MemoryMirror(CLUSTER);
  const nudges = { count: 0 };
  const traffic = { atOnce: 0 };
  const upkeep = new ScriptedUpkeep();
  const app = Fastify({ forceCloseConnections: true });
  app.setErrorHandler((error, request, reply) => {
    reply.hijack();
    sendProblem(request.raw, reply.raw, problemOf(error));
  });
  await app.register(nodeFace, {
    blobs,
    listing: { listBlobs: async (after) => (after === "" ? { blobs: LISTED, next: "00ff" } : { blobs: [] }) },
    journal: { mirror, intake: new MirrorIntake({ mirror, pull: async () => [], clock: systemClock }) },
    verify: (request) => verifier.verify(request),
    upkeep,
    traffic,
    identity: { cluster: CLUSTER, node: NODE, name: "anna" },
    onNudge: () => {
      nudges.count += 1;
    },
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  const signer = newSigner();
  const peer = new PeerConnection({ url, sign: (request) => signer.sign(request, NODE), ...timeouts });
  const close = async () => {
    await peer.close();
    await app.close();
  };
  return { app, url, peer, mirror, nudges, upkeep, traffic, close };
}

export function newSigner(secret: string = SECRET): NodeSigner {
  return new NodeSigner({ secret, cluster: CLUSTER, clock: systemClock, node: NODE });
}
