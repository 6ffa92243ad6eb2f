import type { WebServerFacts } from "@koboldfs/server/web-server-facts";

/** What a configuration is printed for. */
export interface WebServerPlan extends WebServerFacts {
  /** Where the web server listens. */
  readonly port: number;
  /** Namespaces whose direct URLs are for everybody. */
  readonly publicNamespaces: readonly string[];
}

/** What is to be done before such a configuration is used, each in a sentence. */
export function listWarnings({ isAccelerated, isOpen }: WebServerPlan): string[] {
  return [
    ...(isAccelerated ? [] : ["The node's setting accel is off: set it, or all bytes pass through the node."]),
    ...(isOpen
      ? ["The node asks for no token, so everybody who reaches the web server may do everything: set token."]
      : []),
  ];
}

/** Direct URLs name bytes, which never change; a year is as long as caches are asked to keep anything. */
export const FOR_EVER = "max-age=31536000, immutable";

/** What the node says of a file along with its bytes. A web server that sends the bytes has to repeat it. */
export const TOLD_HEADERS = [
  "ETag",
  "Last-Modified",
  "Repr-Digest",
  "Koboldfs-Version",
  "Koboldfs-Expires",
  "Koboldfs-As-Of",
  "Koboldfs-Transaction",
  "X-Content-Type-Options",
  "Content-Security-Policy",
] as const;
