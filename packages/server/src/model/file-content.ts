import type { Digest } from "@koboldfs/protocol";

export interface FileContent {
  readonly digest: Digest;
  /** At most Number.MAX_SAFE_INTEGER (8 PiB). */
  readonly sizeBytes: number;
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** From this moment of the catalog's clock on the key reads as absent. Absent: never. */
  readonly expiresMs?: number;
}

/** When a file that is put shall expire: at a moment of the catalog's clock, or so long after its commit. */
export type Expiry = { readonly atMs: number } | { readonly afterMs: number } | "never";
