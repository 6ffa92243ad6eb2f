import { Readable } from "node:stream";
import {
  BUNDLE_TYPE,
  type BundledName,
  type BundleRefusal,
  type BundleRequest,
  type Digest,
  parseFileKey,
  parseNamespaceName,
} from "@koboldfs/protocol";
import type { FastifyInstance } from "fastify";
import type { Bundled, WantedFile } from "../files/read-bundle.js";
import type { Logger } from "../runtime/logger.js";
import type { ClientFaceContext } from "./face.js";
import { asOfHeaders } from "./file-headers.js";
import { logProblem, problemOf } from "./problem.js";
import { problems, refTo } from "./schemas.js";
import { toFileInfo } from "./wire-file.js";

/** Pieces of an answer: large enough that few system calls send it, small enough to be made while the last one is sent. */
const PIECE_BYTES = 64 * 1024;

const NAMESPACE = { type: "object", properties: { namespace: { type: "string" } }, required: ["namespace"] };

/** `POST /v1/bundles/{namespace}`: many small files in one answer. See protocol/bundle.ts for its form. */
export function addBundleRoutes(scope: FastifyInstance, { files, log }: ClientFaceContext): void {
  scope.post("/v1/bundles/:namespace", { schema: bundleSchema() }, async (request, reply) => {
    const namespace = parseNamespaceName((request.params as { namespace: string }).namespace);
    const wanted = (request.body as BundleRequest).files.map(parseName);
    const { value, asOf } = await files.readBundle(namespace, wanted);
    if (asOf !== undefined) reply.headers(asOfHeaders(asOf));
    reply.header("content-type", BUNDLE_TYPE);
    return reply.send(Readable.from(gather(value, log), { objectMode: false, highWaterMark: PIECE_BYTES }));
  });
}

function parseName({ key, ifMatch }: BundledName): WantedFile {
  // The schema has checked the digest.
  return { key: parseFileKey(key), ...(ifMatch !== undefined && { ifMatch: ifMatch as Digest }) };
}

async function* gather(entries: AsyncIterable<Bundled>, log: Logger): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const entry of entries) {
    const line = Buffer.from(`${JSON.stringify(describe(entry, log))}\n`);
    parts.push(line);
    sizeBytes += line.length;
    if (entry.ok) {
      parts.push(entry.bytes);
      sizeBytes += entry.bytes.length;
    }
    if (sizeBytes < PIECE_BYTES) continue;
    yield Buffer.concat(parts);
    parts = [];
    sizeBytes = 0;
  }
  if (sizeBytes > 0) yield Buffer.concat(parts);
}

function describe(entry: Bundled, log: Logger): object {
  if (entry.ok) return toFileInfo(entry.file);
  const refusal: BundleRefusal = { key: entry.key, error: problemOf(entry.error) };
  logProblem(log, refusal.error, entry.error);
  return refusal;
}

function bundleSchema() {
  return {
    summary: "Read many small files at once.",
    params: NAMESPACE,
    body: refTo("BundleRequest"),
    response: {
      200: {
        description:
          "For each file in order a line of JSON: its FileInfo, followed by its bytes, or `key` and `error` (a Problem). " +
          "Files of more than 256 KiB, and those beyond 8 MiB in all, are refused as too_large.",
        content: { [BUNDLE_TYPE]: { schema: { type: "string", format: "binary" } } },
      },
      ...problems(
        "invalid_namespace",
        "invalid_key",
        "invalid_request",
        "unauthorized",
        "namespace_not_found",
        "unsupported_media_type",
        "too_large",
        "catalog_unavailable",
        "unknown_as_of",
      ),
    },
  };
}
