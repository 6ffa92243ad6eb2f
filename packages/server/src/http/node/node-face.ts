import { HEADER, KoboldError, type NodeId, parseDigest, parseNamespaceName } from "@koboldfs/protocol";
// Its types let a route schema say `hide`: what nodes ask of each other is no part of the public description.
import "@fastify/swagger";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { BlobLister } from "../../blobs/blob-lister.js";
import type { BlobRef, BlobStore, OpenBlob, PlacedBlob } from "../../blobs/blob-store.js";
import type { PeerUpkeep } from "../../cluster/peer-upkeep.js";
import type { ClientTraffic } from "../../runtime/client-traffic.js";
import { addListingRoute } from "./listing-route.js";
import { addMirrorRoutes, type MirrorRoutesOptions } from "./mirror-routes.js";
import { receiveBlob } from "./receive-blob.js";
import { parseSingleRange } from "./single-range.js";

export interface NodeFaceOptions {
  /** This node's own blobs. */
  readonly blobs: BlobStore;
  /** What lies on this node's volumes. */
  readonly listing: BlobLister;
  /** This node's mirror of the journal, and the way into it. */
  readonly journal: MirrorRoutesOptions;
  /** Who is asking: the node that signed. Throws `unauthorized`. */
  readonly verify: (request: {
    readonly method: string;
    readonly rawPath: string;
    readonly headers: FastifyRequest["headers"];
  }) => NodeId;
  readonly identity: { readonly cluster: string; readonly node: string; readonly name: string };
  /** What this node says of its own disks. */
  readonly upkeep: PeerUpkeep;
  /** What this node does for clients now. */
  readonly traffic: Pick<ClientTraffic, "atOnce">;
  /** Called when a peer says that this node owes something. Returns at once. */
  readonly onNudge: () => void;
}

interface BlobParams {
  Params: { namespace: string; digest: string };
}

/**
 * What nodes ask of each other, all of it signed with the cluster secret. A fastify plugin:
 * `app.register(nodeFace, options)`; errors go to the error handler of whoever registers it.
 */
export async function nodeFace(app: FastifyInstance, options: NodeFaceOptions): Promise<void> {
  app.addHook("onRequest", async (request) => {
    options.verify({ method: request.method, rawPath: request.raw.url ?? "", headers: request.headers });
  });
  // Bodies are blobs of any length: nothing may parse, gather or limit them.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _body, done) => done(null));

  app.put<{ Params: { namespace: string } }>("/v1/node/blobs/:namespace", { schema: { hide: true } }, (request) =>
    putBlob(options.blobs, request),
  );
  app.head<BlobParams>("/v1/node/blobs/:namespace/:digest", { schema: { hide: true } }, (request, reply) =>
    statBlob(options.blobs, request, reply),
  );
  app.get<BlobParams>(
    "/v1/node/blobs/:namespace/:digest",
    { exposeHeadRoute: false, schema: { hide: true } },
    (request, reply) => {
      const { atOnce } = options.traffic;
      if (atOnce > 0) reply.header(HEADER.serving, String(atOnce));
      return getBlob(options.blobs, request, reply);
    },
  );
  addMirrorRoutes(app, options.journal);
  app.get("/v1/node/upkeep", { schema: { hide: true } }, () => options.upkeep.getUpkeep());
  addListingRoute(app, options.listing);
  app.post<{ Querystring: { repairs?: string } }>("/v1/node/scrub", { schema: { hide: true } }, async ({ query }) => {
    await options.upkeep.orderScrub({ repairs: query.repairs === "true" });
    return {};
  });
  app.post("/v1/node/nudge", { schema: { hide: true } }, async (_request, reply) => {
    options.onNudge();
    return reply.code(204).send();
  });
  app.get("/v1/node/ping", { schema: { hide: true } }, async () => options.identity);
}

async function putBlob(
  blobs: BlobStore,
  request: FastifyRequest<{ Params: { namespace: string } }>,
): Promise<PlacedBlob> {
  const length = request.headers["content-length"];
  const digest = request.headers[HEADER.blobDigest];
  return receiveBlob(blobs, {
    namespace: parseNamespaceName(request.params.namespace),
    body: request.raw,
    announced: {
      ...(length !== undefined && { sizeBytes: Number(length) }),
      ...(typeof digest === "string" && { digest: parseDigest(digest) }),
    },
  });
}

async function getBlob(
  blobs: BlobStore,
  request: FastifyRequest<BlobParams>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const range = parseSingleRange(request.headers.range);
  const ref = refOf(request.params);
  const blob = range === undefined ? await openUnchecked(blobs, ref) : await blobs.open(ref, range);
  if (blob === undefined) throw missing(reply);
  reply.type("application/octet-stream");
  if (range === undefined) return reply.header("content-length", blob.sizeBytes).send(blob.content);
  const { start, end } = range;
  reply.code(206).header("content-range", `bytes ${start}-${end - 1}/${blob.sizeBytes}`);
  return reply.header("content-length", end - start).send(blob.content);
}

/**
 * A whole blob, asked for as a range so that the store does not check it: the peer checks what arrives, which covers
 * the way too, sees damage as damage and not as a cut connection, and one of us hashing is enough.
 */
async function openUnchecked(blobs: BlobStore, ref: BlobRef): Promise<OpenBlob | undefined> {
  const stat = await blobs.stat(ref);
  if (stat === undefined) return undefined;
  return stat.sizeBytes === 0 ? blobs.open(ref) : blobs.open(ref, { start: 0, end: stat.sizeBytes });
}

async function statBlob(
  blobs: BlobStore,
  request: FastifyRequest<BlobParams>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const stat = await blobs.stat(refOf(request.params));
  if (stat === undefined) throw missing(reply);
  return reply.type("application/octet-stream").header("content-length", stat.sizeBytes).send();
}

function refOf(params: { namespace: string; digest: string }): BlobRef {
  return { namespace: parseNamespaceName(params.namespace), digest: parseDigest(params.digest) };
}

/** Said in a header too: the answer to HEAD has no body, and a 404 of something else must not be taken for ours. */
function missing(reply: FastifyReply): KoboldError {
  reply.raw.setHeader(HEADER.errorCode, "not_found");
  return new KoboldError("not_found", "this node does not have the blob");
}
