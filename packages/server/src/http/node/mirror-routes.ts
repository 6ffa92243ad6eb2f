import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { HEADER, KoboldError } from "@koboldfs/protocol";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Mirror, MirrorHead } from "../../mirror/mirror.js";
import type { MirrorIntake } from "../../mirror/mirror-intake.js";
import { formatGroupFrames, parseGroupFrames } from "../../model/group-frames.js";
import type { JournalGroup } from "../../model/journal-group.js";

export interface MirrorRoutesOptions {
  readonly mirror: Pick<Mirror, "head" | "listGroups" | "findGroupHash">;
  readonly intake: Pick<MirrorIntake, "take">;
}

/** What one message may bring: a lane of `MirrorFeed` sends less, but for a single group that is larger. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
/** Groups in one answer, and the bytes at which no further one is added. */
const MAX_ANSWER_GROUPS = 500;
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/** How peers feed this node's mirror, and read it. The scope's hooks have checked the signature. */
export function addMirrorRoutes(app: FastifyInstance, { mirror, intake }: MirrorRoutesOptions): void {
  const schema = { hide: true };
  app.get("/v1/node/mirror", { schema }, async (): Promise<MirrorHead> => mirror.head());
  app.post("/v1/node/mirror/groups", { schema }, async (request): Promise<MirrorHead> => {
    const groups = parseGroupFrames(await readMessage(request));
    await Promise.all(groups.map((group) => intake.take(group)));
    return mirror.head();
  });
  app.get<{ Querystring: { after?: string; limit?: string } }>(
    "/v1/node/mirror/groups",
    { schema },
    async ({ query }, reply) => {
      const limit = Math.min(parseCount(query.limit), MAX_ANSWER_GROUPS);
      const groups = await mirror.listGroups(parseCount(query.after), limit);
      reply.type("application/octet-stream");
      return Buffer.concat(formatGroupFrames(firstBytes(groups)));
    },
  );
  app.get<{ Params: { number: string } }>("/v1/node/mirror/hashes/:number", { schema }, async ({ params }) => {
    return { hash: await mirror.findGroupHash(parseCount(params.number)) };
  });
}

/** At least one group, and then as many as stay within the bound. */
function firstBytes(groups: readonly JournalGroup[]): readonly JournalGroup[] {
  let bytes = 0;
  const end = groups.findIndex((group) => {
    bytes += group.bytes.length;
    return bytes > MAX_ANSWER_BYTES;
  });
  return end < 0 ? groups : groups.slice(0, Math.max(1, end));
}

function parseCount(text: string | undefined): number {
  if (text !== undefined && /^\d{1,16}$/.test(text)) return Number(text);
  throw new KoboldError("invalid_request", `not a number of the journal: ${text}`);
}

async function readMessage(request: FastifyRequest): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of (request.raw as Readable).iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_MESSAGE_BYTES) throw new KoboldError("too_large", `more than ${MAX_MESSAGE_BYTES} bytes of groups`);
    hash.update(chunk);
    chunks.push(chunk);
  }
  // The announced digest is signed, the body is not.
  if (hash.digest("hex") === request.headers[HEADER.blobDigest]) return Buffer.concat(chunks);
  throw new KoboldError("digest_mismatch", "the groups are not those that were announced");
}
