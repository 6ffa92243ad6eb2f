import { HEADER } from "@koboldfs/protocol";
import type { FastifyInstance } from "fastify";
import type { ClientFaceContext } from "./face.js";
import { getFile, headFile } from "./read-file.js";
import { IN_TRANSACTION, json, problems, STAGING } from "./schemas.js";
import { deleteFile, putFile } from "./write-file.js";

const text = (description: string) => ({ type: "string", description });
const number = (description: string) => ({ type: "integer", minimum: 1, description });

const NAME = {
  type: "object",
  properties: {
    namespace: text("The namespace's name."),
    key: text("1 to 1,024 bytes of UTF-8, percent-encoded as one opaque text; slashes may stand as they are."),
  },
  required: ["namespace", "key"],
};

const CHANGE_HEADERS = {
  "if-match": text("Only if the file has one of these entity tags; `*`: only if there is one."),
  "if-none-match": text("Only if the file has none of these entity tags; `*`: only if there is none."),
  [HEADER.idempotencyKey]: text("Names this request: its repetition gets the first answer. 1 to 128 printable ASCII."),
  [HEADER.transaction]: text("Stage it in this transaction: nobody else sees it before that commits."),
};

const PUT_HEADERS = {
  ...CHANGE_HEADERS,
  "content-type": text("Stored and given back."),
  [HEADER.contentDigest]: text("RFC 9530. The sha-256 is checked, other algorithms are passed over."),
  [HEADER.reprDigest]: text("The same as Content-Digest."),
  [HEADER.expires]: text("When it expires: after so many seconds, at an RFC 3339 time, or `never`."),
  [HEADER.minCopies]: number("Refuse unless so many nodes have the bytes fsynced."),
  [`${HEADER.metadataPrefix}{name}`]: text(
    "User metadata, at most 8 KiB; beyond printable ASCII as RFC 8187 under NAME*.",
  ),
};

const READ_HEADERS = {
  "if-match": text("412 unless the file has one of these entity tags."),
  "if-none-match": text("304 if the file has one of these entity tags."),
  "if-modified-since": text("304 unless the file is newer."),
  "if-unmodified-since": text("412 if the file is newer."),
  [HEADER.transaction]: text("The file as this transaction sees it."),
};

const GET_HEADERS = {
  ...READ_HEADERS,
  range: text("One range or suffix of bytes. Several ranges get the whole file."),
  "if-range": text("The entity tag for which the range is meant; a date never matches."),
};

const PAST = {
  version: number("This version of the file, current or not."),
  "as-of": text("The file as it was: a journal number, or an RFC 3339 time."),
};

const CONSISTENCY = {
  consistency: text(
    "`mirror`: from this node's mirror, without asking the catalog; says Koboldfs-As-Of and Koboldfs-Mirror-Age. Alone.",
  ),
};

const VERSIONS = {
  versions: text("The versions of the key instead of its bytes, the newest first (VersionListReply)."),
  before: number("With versions: only those below this one, `next` of the page before."),
  limit: number("With versions: at most so many, up to 1,000."),
};

const URL_QUERY = {
  url: text("A URL straight to the bytes at a web server, instead of the bytes (DirectUrlReply)."),
  ttl: { type: "integer", minimum: 1, description: "With url: for how many seconds a signed one is good; an hour." },
  zone: text("With url: where the reader is; a node of that zone is preferred."),
};

const FILE_HEADERS = {
  ETag: text("The digest, quoted."),
  "Last-Modified": text("When this version was acknowledged."),
  "Repr-Digest": text("RFC 9530: SHA-256 of the whole file."),
  "Koboldfs-Version": number("The version's number in the journal."),
  "Koboldfs-As-Of": text("When it is from the mirror: `NUMBER, TIME` of the newest journal entry there."),
  "Koboldfs-Mirror-Age": number("When it is from the mirror: so many seconds ago that had all the catalog had."),
  "Koboldfs-Expires": text("When it expires, if it does."),
  "Koboldfs-Meta-{name}": text("User metadata."),
  "Koboldfs-Transaction": text("A prepared transaction that is about to change it, if there is one; with a 404 too."),
};

const VERSION_HEADERS = { "Koboldfs-Version": number("The version's number in the journal.") };

const BYTES = { "application/octet-stream": { schema: { type: "string", format: "binary" } } };
const NO_CONTENT = { type: "null" };
const NOT_THERE = ["invalid_key", "invalid_namespace", "not_found", "namespace_not_found"] as const;
const NOT_THEN = ["version_not_found", "history_gone"] as const;
const ALWAYS = ["unauthorized", "catalog_unavailable", "overloaded", "shutting_down", "internal"] as const;

/** Requests of these routes are parsed by hand, from the request line as it came and at the speed of the busiest route. */
const noValidation = () => () => true;

export function addFileRoutes(scope: FastifyInstance, context: ClientFaceContext): void {
  const url = "/v1/files/:namespace/:key";
  scope.setValidatorCompiler(noValidation);
  scope.put(url, { schema: putSchema() }, (request, reply) => putFile(context, request, reply));
  scope.get(url, { schema: getSchema(), exposeHeadRoute: false }, (request, reply) => getFile(context, request, reply));
  scope.head(url, { schema: headSchema() }, (request, reply) => headFile(context, request, reply));
  scope.delete(url, { schema: deleteSchema() }, (request, reply) => deleteFile(context, request, reply));
}

function putSchema() {
  return {
    summary: "Store a file; the body is its bytes.",
    params: NAME,
    headers: { type: "object", properties: PUT_HEADERS },
    response: {
      201: json("PutReply", "Stored: the bytes fsynced on `copies` nodes, the name committed.", VERSION_HEADERS),
      202: json("PutReply", "Staged in the transaction: the bytes fsynced on `copies` nodes."),
      ...problems(
        "invalid_key",
        "invalid_namespace",
        "invalid_request",
        "invalid_digest",
        "invalid_metadata",
        "body_too_short",
        "body_too_long",
        "digest_mismatch",
        "namespace_not_found",
        "precondition_failed",
        "unsupported_media_type",
        "expectation_failed",
        "idempotency_key_reused",
        "too_few_copies",
        "placement_expired",
        "commit_contended",
        "quota_exceeded",
        "disk_full",
        "disk_failed",
        ...STAGING,
        ...ALWAYS,
      ),
    },
  };
}

function getSchema() {
  return {
    summary: "Read a file, or list its versions.",
    params: NAME,
    querystring: { type: "object", properties: { ...PAST, ...CONSISTENCY, ...VERSIONS, ...URL_QUERY } },
    headers: { type: "object", properties: GET_HEADERS },
    response: {
      200: { description: "The whole file.", content: BYTES, headers: FILE_HEADERS },
      206: { description: "The part that Range asks for.", content: BYTES, headers: FILE_HEADERS },
      304: { description: "The file is what the condition says.", ...NO_CONTENT },
      ...problems(
        ...NOT_THERE,
        ...NOT_THEN,
        "invalid_request",
        "precondition_failed",
        "range_not_satisfiable",
        "blob_unavailable",
        "no_direct_url",
        ...IN_TRANSACTION,
        ...ALWAYS,
      ),
    },
  };
}

function headSchema() {
  return {
    summary: "What a GET would say of the file, without its bytes.",
    params: NAME,
    querystring: { type: "object", properties: { ...PAST, ...CONSISTENCY } },
    headers: { type: "object", properties: READ_HEADERS },
    response: {
      200: { description: "There is such a file.", headers: FILE_HEADERS, ...NO_CONTENT },
      304: { description: "The file is what the condition says.", ...NO_CONTENT },
      ...problems(
        ...[...NOT_THERE, ...NOT_THEN, ...IN_TRANSACTION, ...ALWAYS],
        ...(["invalid_request", "precondition_failed"] as const),
      ),
    },
  };
}

function deleteSchema() {
  return {
    summary: "Delete a file.",
    params: NAME,
    headers: { type: "object", properties: CHANGE_HEADERS },
    response: {
      204: { description: "Deleted, or staged in the transaction.", headers: VERSION_HEADERS, ...NO_CONTENT },
      ...problems(
        ...NOT_THERE,
        "invalid_request",
        "precondition_failed",
        "idempotency_key_reused",
        "commit_contended",
        ...STAGING,
        ...ALWAYS,
      ),
    },
  };
}
