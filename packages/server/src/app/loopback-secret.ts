import { createHash } from "node:crypto";

/** Nodes that only this machine reaches need no configured secret; those of other clusters are refused all the same. */
export function loopbackSecret(clusterId: string): string {
  return createHash("sha256").update(`koboldfs node face of ${clusterId}`).digest("hex");
}
