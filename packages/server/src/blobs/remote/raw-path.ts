import { type Digest, type NamespaceName, parseDigest, parseNamespaceName } from "@koboldfs/protocol";

/**
 * The node face's path of a blob, or of a namespace's blobs. Parsed again, although the types say that they were: what
 * is put together here must not become the path of something else. Throws `invalid_namespace` and `invalid_digest`.
 */
export function rawPathOf(namespace: NamespaceName, digest?: Digest): string {
  const path = `/v1/node/blobs/${parseNamespaceName(namespace)}`;
  return digest === undefined ? path : `${path}/${parseDigest(digest)}`;
}
