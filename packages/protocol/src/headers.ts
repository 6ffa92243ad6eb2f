/** Header names of the native face, in the lower case that Node and HTTP/2 use. */
export const HEADER = {
  /** Request: names one put, delete or batch; its second arrival gets the first's answer. At most 128 printable ASCII. */
  idempotencyKey: "idempotency-key",
  /** Request: refuse with `too_few_copies` unless this many nodes hold the bytes, fsynced, before the name commits. */
  minCopies: "koboldfs-min-copies",
  /** Request and response: when the file expires, as RFC 3339; a request may also say after how many seconds, or `never`. */
  expires: "koboldfs-expires",
  /**
   * Request: the transaction that the request belongs to. Response to a read outside of one: a prepared transaction that
   * holds the key, so that what was answered may be about to change.
   */
  transaction: "koboldfs-transaction",
  /** Response to what was staged: how many changes the transaction has accepted with it; see `FinishRequest.steps`. */
  steps: "koboldfs-steps",
  /** Response: `NUMBER, TIME`: this is from the mirror, and true as of that journal number and time. */
  asOf: "koboldfs-as-of",
  /** Response from the mirror: so many seconds ago it was seen to hold all that the catalog had. Absent: not since the start. */
  mirrorAge: "koboldfs-mirror-age",
  /** Response: the version (journal number) of the file. */
  version: "koboldfs-version",
  /** Response of an upload that is complete: `copies` and `wanted` of its put. */
  copies: "koboldfs-copies",
  wanted: "koboldfs-wanted",
  /** Request and response: prefix of user metadata headers. */
  metadataPrefix: "koboldfs-meta-",
  /** Request between nodes: `v1 NODE_ID UNIX_MS NONCE HEX_HMAC`; see server auth/node-signature.ts. */
  nodeSignature: "koboldfs-node-signature",
  /** Request between nodes: the digest that the streamed blob must have. */
  blobDigest: "koboldfs-blob-digest",
  /** Response between nodes: so many requests of clients this node's own process served at once lately; absent when it is quiet. */
  serving: "koboldfs-serving",
  /** Response to HEAD: the code of the problem, since such an answer has no body to say it in. */
  errorCode: "koboldfs-error",
  contentDigest: "content-digest",
  reprDigest: "repr-digest",
  /** Resumable uploads, tus 1.0.0. */
  tusResumable: "tus-resumable",
  uploadOffset: "upload-offset",
  uploadLength: "upload-length",
  uploadMetadata: "upload-metadata",
  uploadChecksum: "upload-checksum",
  uploadExpires: "upload-expires",
} as const;
