import { HEADER } from "@koboldfs/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { json, problems } from "../schemas.js";
import {
  createUpload,
  describeTus,
  endUpload,
  getUpload,
  headUpload,
  overrideMethod,
  takePiece,
  type UploadContext,
} from "./handle-upload.js";
import { checkTusVersion, TUS_VERSION } from "./upload-headers.js";

const UPLOADS = "/v1/uploads";

const text = (description: string) => ({ type: "string", description });
const number = (description: string) => ({ type: "integer", minimum: 0, description });

const ID = { type: "object", properties: { id: text("As in the Location of the upload.") }, required: ["id"] };
const TUS_HEADER = { [HEADER.tusResumable]: text("1.0.0") };
const PIECE_HEADERS = {
  "content-type": text("application/offset+octet-stream"),
  [HEADER.uploadChecksum]: text("`sha256 BASE64` or `sha1 BASE64` of this piece: it counts as a whole or not at all."),
};
const CREATION_HEADERS = {
  ...TUS_HEADER,
  ...PIECE_HEADERS,
  [HEADER.uploadLength]: number("Bytes of the whole file."),
  [HEADER.uploadMetadata]: text(
    "`namespace` and `key`; perhaps content-type, digest, if-match, if-none-match, idempotency-key, min-copies, meta-NAME.",
  ),
};
const OFFSET_HEADERS = {
  "Upload-Offset": number("Bytes that are durable."),
  "Upload-Expires": text("When the upload is forgotten unless more arrives."),
};
const OUTCOME_HEADERS = {
  ...OFFSET_HEADERS,
  ETag: text("Once the file is named: its digest, quoted."),
  "Content-Location": text("Once the file is named: its path."),
  "Koboldfs-Version": number("Once the file is named: its version."),
  "Koboldfs-Copies": number("Once the file is named: nodes that had the bytes fsynced then."),
  "Koboldfs-Wanted": number("Once the file is named: nodes that shall have them."),
};
const NO_CONTENT = { type: "null" };

const ALWAYS = ["unauthorized", "tus_version_unsupported", "overloaded", "shutting_down", "internal"] as const;
const GONE = ["upload_not_found", "upload_expired"] as const;
/** What a put is refused with when its bytes are all here. */
const OF_THE_PUT = [
  "namespace_not_found",
  "digest_mismatch",
  "precondition_failed",
  "idempotency_key_reused",
  "too_few_copies",
  "placement_expired",
  "commit_contended",
  "catalog_unavailable",
  "quota_exceeded",
  "disk_full",
  "disk_failed",
] as const;
const OF_A_PIECE = [
  "invalid_request",
  "body_too_short",
  "body_too_long",
  "checksum_mismatch",
  "upload_locked",
] as const;

/** Every answer says which tus it speaks, refusals too; called before anybody can refuse. */
export function announceTus(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
  if (request.url.startsWith(UPLOADS)) reply.header("Tus-Resumable", TUS_VERSION);
  done();
}

/** Resumable uploads, tus 1.0.0. */
export function addUploadRoutes(scope: FastifyInstance, context: UploadContext): void {
  // Requests are read by hand, as those of files are.
  scope.setValidatorCompiler(() => () => true);
  const options = { schema: optionsSchema() };
  scope.options(UPLOADS, options, describeTus);
  scope.options(`${UPLOADS}/:id`, { schema: { hide: true } }, describeTus);
  scope.get(`${UPLOADS}/:id`, { schema: getSchema(), exposeHeadRoute: false }, (request, reply) =>
    getUpload(context, request, reply),
  );
  const tus = { preHandler: refuseOtherVersions };
  scope.post(UPLOADS, { ...tus, schema: createSchema() }, (request, reply) => createUpload(context, request, reply));
  scope.head(`${UPLOADS}/:id`, { ...tus, schema: headSchema() }, (request, reply) =>
    headUpload(context, request, reply),
  );
  scope.patch(`${UPLOADS}/:id`, { ...tus, schema: patchSchema() }, (request, reply) =>
    takePiece(context, request, reply),
  );
  scope.delete(`${UPLOADS}/:id`, { ...tus, schema: deleteSchema() }, (request, reply) =>
    endUpload(context, request, reply),
  );
  scope.post(`${UPLOADS}/:id`, { ...tus, schema: { hide: true } }, (request, reply) =>
    overrideMethod(context, request, reply),
  );
}

function refuseOtherVersions({ headers }: FastifyRequest, reply: FastifyReply, done: () => void): void {
  reply.header("Tus-Version", TUS_VERSION);
  checkTusVersion(headers);
  done();
}

function optionsSchema() {
  return {
    summary: "What of the tus protocol is spoken here.",
    response: {
      204: { description: "Tus-Version, Tus-Extension, Tus-Checksum-Algorithm.", ...NO_CONTENT },
      ...problems("unauthorized", "overloaded", "shutting_down"),
    },
  };
}

function createSchema() {
  return {
    summary: "Begin a resumable upload (tus 1.0.0: creation, creation-with-upload).",
    headers: { type: "object", properties: CREATION_HEADERS },
    response: {
      201: json("PutReply", "Begun, at Location. With a body only when the whole file came along.", OUTCOME_HEADERS),
      ...problems(
        "invalid_key",
        "invalid_namespace",
        "invalid_digest",
        "invalid_metadata",
        "unsupported_media_type",
        "too_large",
        "too_many_uploads",
        ...OF_A_PIECE,
        ...OF_THE_PUT,
        ...ALWAYS,
      ),
    },
  };
}

function headSchema() {
  return {
    summary: "Where a resumable upload goes on; of a complete one, what became of it.",
    params: ID,
    headers: { type: "object", properties: TUS_HEADER },
    response: {
      200: { description: "The offset, durable.", headers: OUTCOME_HEADERS, ...NO_CONTENT },
      ...problems("upload_locked", ...GONE, ...OF_THE_PUT, ...ALWAYS),
    },
  };
}

function getSchema() {
  return {
    summary: "How a resumable upload stands, without disturbing it.",
    params: ID,
    response: {
      200: json("UploadInfo", "The upload."),
      ...problems("unauthorized", ...GONE, "overloaded", "shutting_down"),
    },
  };
}

function patchSchema() {
  return {
    summary: "The next piece of a resumable upload; the last one names the file.",
    params: ID,
    headers: {
      type: "object",
      properties: { ...TUS_HEADER, ...PIECE_HEADERS, [HEADER.uploadOffset]: number("The upload's offset.") },
    },
    response: {
      204: { description: "Stored, durably.", headers: OUTCOME_HEADERS, ...NO_CONTENT },
      ...problems("unsupported_media_type", "upload_offset_mismatch", ...GONE, ...OF_A_PIECE, ...OF_THE_PUT, ...ALWAYS),
    },
  };
}

function deleteSchema() {
  return {
    summary: "End a resumable upload and remove its bytes (tus 1.0.0: termination).",
    params: ID,
    headers: { type: "object", properties: TUS_HEADER },
    response: {
      204: { description: "Ended.", ...NO_CONTENT },
      ...problems(...GONE, "disk_failed", ...ALWAYS),
    },
  };
}
