import type { IncomingHttpHeaders } from "node:http";
import type { BlobLocator, BlobRef } from "../blobs/blob-store.js";
import type { ReplyHeaders } from "./file-headers.js";

/** Where a web server finds the volumes' blob folders, by their order in the configuration. */
export const ACCEL_PREFIX = "/koboldfs-accel/";

/** How a web server in front says which header it understands, as Rack and others have it. */
const TYPE_HEADER = "x-sendfile-type";

/**
 * Whoever made these conditions has had them checked here, against the version. A web server would check them again,
 * against a file on a disk: with another entity tag, and another time.
 */
const CONDITIONS = ["if-match", "if-none-match", "if-range", "if-modified-since", "if-unmodified-since"] as const;

/** What is to be sent. */
export interface SentBlob extends BlobRef {
  readonly sizeBytes: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Lets a web server in front send the bytes, which then pass by this process. */
export class Offload {
  readonly #blobs: BlobLocator;
  readonly #isEnabled: boolean;

  constructor(blobs: BlobLocator, isEnabled: boolean) {
    this.#blobs = blobs;
    this.#isEnabled = isEnabled;
  }

  /** The header that tells the web server where the bytes are; undefined when this process has to send them. */
  async handOver(file: SentBlob, headers: IncomingHttpHeaders): Promise<ReplyHeaders | undefined> {
    const type = headers[TYPE_HEADER];
    if (!this.#isEnabled || (type !== "X-Accel-Redirect" && type !== "X-Sendfile")) return undefined;
    if (CONDITIONS.some((name) => headers[name] !== undefined)) return undefined;
    // nginx forgets headers that its configuration does not name.
    if (Object.keys(file.metadata ?? {}).length > 0) return undefined;
    const place = await this.#blobs.locate(file);
    if (place?.sizeBytes !== file.sizeBytes) return undefined;
    if (type === "X-Sendfile") return { [type]: place.path };
    return { [type]: `${ACCEL_PREFIX}${place.volume}/${place.pathInVolume}` };
  }
}
