import { KoboldError } from "@koboldfs/protocol";
import type { NodeSigner } from "../auth/node-signature.js";
import { PeerConnection } from "../blobs/remote/peer-connection.js";
import { RemoteBlobStore } from "../blobs/remote/remote-blob-store.js";
import type { PeerConnector } from "../cluster/peer-link.js";
import { RemoteUpkeep } from "../cluster/remote-upkeep.js";
import { RemoteMirror } from "../mirror/remote/remote-mirror.js";

/** Ways to other nodes over their node faces, every request signed. */
export function createPeerConnector(signer: NodeSigner): PeerConnector {
  return ({ id, url }) => {
    const connection = new PeerConnection({ url, sign: (request) => signer.sign(request, id) });
    return {
      store: new RemoteBlobStore(connection),
      mirror: new RemoteMirror(connection),
      upkeep: new RemoteUpkeep(connection),
      nudge: (signal) => connection.nudge(signal),
      ping: async (signal) => {
        const { node } = await connection.ping(signal);
        if (node !== id) throw new KoboldError("peer_failed", `node ${node} answers at ${url}, where ${id} should be`);
      },
      close: () => connection.close(),
    };
  };
}
