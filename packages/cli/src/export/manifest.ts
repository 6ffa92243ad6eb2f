import { createReadStream, createWriteStream, renameSync, type WriteStream } from "node:fs";
import { once } from "node:events";
import { finished } from "node:stream/promises";
import { createInterface } from "node:readline";
import type { FileInfo } from "@koboldfs/protocol";
import { isMissing } from "../sync/system-failure.js";

/** How the bytes came into the tree: `missing` when they did not. */
export type Placing = "linked" | "copied" | "fetched" | "missing";

/** A key in the manifest: everything that the cluster knows of it, and where it lies. */
export interface ManifestEntry extends FileInfo {
  readonly path: string;
  readonly placing: Placing;
}

/** The first line: what this is an export of. */
export interface ManifestHead {
  readonly koboldfsExport: 1;
  readonly cluster: string;
  readonly namespace: string;
  readonly prefix: string;
  readonly asOf: string;
}

/** Writes a manifest beside the old one, line by line; it takes the old one's place when all is in it. */
export class ManifestWriter {
  readonly #path: string;
  readonly #stream: WriteStream;

  constructor(path: string, head: ManifestHead) {
    this.#path = path;
    this.#stream = createWriteStream(`${path}.new`);
    this.#stream.write(`${JSON.stringify(head)}\n`);
  }

  async add(entry: ManifestEntry): Promise<void> {
    if (this.#stream.errored) throw this.#stream.errored;
    if (!this.#stream.write(`${JSON.stringify(entry)}\n`)) await once(this.#stream, "drain");
  }

  async finish(): Promise<void> {
    this.#stream.end();
    await finished(this.#stream);
    renameSync(`${this.#path}.new`, this.#path);
  }

  /** Gives up: the old manifest stays. */
  discard(): void {
    this.#stream.on("error", () => undefined).destroy();
  }
}

/** The entries of a manifest in the order of their keys; none when there is no manifest. */
export async function* readManifest(path: string): AsyncGenerator<ManifestEntry> {
  const input = createReadStream(path);
  try {
    await once(input, "open");
  } catch (cause) {
    if (isMissing(cause)) return;
    throw cause;
  }
  let isHead = true;
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (!isHead) yield JSON.parse(line) as ManifestEntry;
    isHead = false;
  }
}
