import { KoboldError } from "@koboldfs/protocol";
import type { FastifyInstance } from "fastify";
import type { BlobLister } from "../../blobs/blob-lister.js";

/** Blobs in one answer: about a megabyte. */
const MAX_BLOBS = 10_000;

/** What lies on this node's volumes, for who makes a catalog again. The scope's hooks have checked the signature. */
export function addListingRoute(app: FastifyInstance, listing: BlobLister): void {
  app.get<{ Querystring: { after?: string; limit?: string } }>(
    "/v1/node/listing",
    { schema: { hide: true } },
    async ({ query: { after = "", limit = "" } }) => {
      if (!/^([0-9a-f]{4})?$/.test(after) || !/^\d{1,9}$/.test(limit)) {
        throw new KoboldError("invalid_request", "not a place in the order of folder shards");
      }
      const { blobs, next } = await listing.listBlobs(after, Math.min(Number(limit), MAX_BLOBS));
      return { blobs: blobs.map(({ namespace, digest }) => [namespace, digest]), ...(next !== undefined && { next }) };
    },
  );
}
