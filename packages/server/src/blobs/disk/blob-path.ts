import { join } from "node:path";
import { parseDigest, parseNamespaceName } from "@koboldfs/protocol";
import type { BlobRef } from "../blob-store.js";

/**
 * The folders of a blob below the volume's `blobs/`, outermost first: `<namespace>/ab/cd`; its file's name is the
 * digest. Both parts are branded types that were parsed at the door; they are parsed here again, because a mistake up
 * there must not become a path that leaves the blob folder. Throws `invalid_namespace` and `invalid_digest`.
 */
export function blobFolders(ref: BlobRef): [namespace: string, first: string, second: string] {
  const digest = parseDigest(ref.digest);
  return [parseNamespaceName(ref.namespace), digest.slice(0, 2), digest.slice(2, 4)];
}

/** The blob's file under the blob folder `root`. */
export function blobPath(root: string, ref: BlobRef): string {
  return join(root, ...blobFolders(ref), ref.digest);
}
