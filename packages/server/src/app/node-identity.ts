import { randomBytes } from "node:crypto";
import type { NodeId } from "@koboldfs/protocol";
import { findVolumeRecords } from "../blobs/disk/open-volumes.js";

/**
 * Who this node is: what its volumes say, or a new id when none of them says anything. When they contradict each other,
 * opening them is refused, whichever answer was taken here.
 */
export async function findNodeId(directories: readonly string[]): Promise<NodeId> {
  const [record] = await findVolumeRecords(directories);
  return record?.node ?? (randomBytes(8).toString("hex") as NodeId);
}
