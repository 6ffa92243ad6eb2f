import { KoboldError } from "@koboldfs/protocol";
import type { PlacementSet } from "./placement-set.js";
import type { PutRequest } from "./put-request.js";

/** Streams the body into all placements, chunk by chunk at the pace of the slowest; answers the length. */
export async function pourBody(request: PutRequest, placements: PlacementSet): Promise<number> {
  const announced = request.sizeBytes;
  let sizeBytes = 0;
  for await (const chunk of request.body) {
    sizeBytes += chunk.length;
    if (announced !== undefined && sizeBytes > announced) {
      throw new KoboldError("body_too_long", `more than the announced ${announced} bytes arrived`);
    }
    await placements.write(chunk);
  }
  if (announced !== undefined && sizeBytes < announced) {
    throw new KoboldError("body_too_short", `${sizeBytes} of the announced ${announced} bytes arrived`);
  }
  return sizeBytes;
}
