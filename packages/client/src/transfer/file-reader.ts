import { KoboldError } from "@koboldfs/protocol";
import type { GetBytesOptions, GetOptions, OpenedFile } from "../client-options.js";
import type { Session } from "../session/session.js";
import { Download, type DownloadRequest } from "./download.js";
import type { Sink } from "./sink.js";

/** Wrong bytes are asked for again this often, each time from another server where there is one. */
const MAX_TRIES = 3;
const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;

/** Brings a file to where it is wanted. Every way throws what the servers say, `not_found` among it. */
export class FileReader {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async readBytes(request: DownloadRequest, options: GetBytesOptions): Promise<Uint8Array> {
    const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    return this.#session.admit(options.signal, () =>
      againOnMismatch(async () => {
        const download = await this.#open({ ...request, wholeBytes: maxBytes }, options);
        if (download.length <= maxBytes) return download.readBytes();
        download.discard();
        throw new KoboldError("too_large", `the file has ${download.length} bytes; at most ${maxBytes} were allowed`);
      }),
    );
  }

  /** Writes the file into the sink, and finishes or abandons that. */
  async readInto(sink: Sink, request: DownloadRequest, options: GetOptions): Promise<void> {
    let first = true;
    const transfer = async () => {
      if (!first) await sink.restart?.();
      first = false;
      const download = await this.#open(request, options);
      for await (const chunk of download.read()) await sink.write(chunk);
    };
    await this.#session.admit(options.signal, async () => {
      try {
        await (sink.restart === undefined ? transfer() : againOnMismatch(transfer));
        await sink.finish();
      } catch (thrown) {
        await sink.abandon();
        throw thrown;
      }
    });
  }

  /** The caller reads at its own pace. Its place among the running operations is free when the body is read or left. */
  async open(request: DownloadRequest, options: GetOptions): Promise<OpenedFile> {
    const leave = await this.#session.enter(options.signal);
    try {
      const download = await this.#open(request, options);
      return {
        info: download.info,
        length: download.length,
        body: leaveAfter(download.read(), leave),
        discard: () => {
          download.discard();
          leave();
        },
      };
    } catch (thrown) {
      leave();
      throw thrown;
    }
  }

  #open(request: DownloadRequest, options: GetOptions): Promise<Download> {
    return Download.open(this.#session, request, this.#session.startBudget(options));
  }
}

async function* leaveAfter(body: AsyncIterable<Uint8Array>, leave: () => void): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } finally {
    leave();
  }
}

async function againOnMismatch<T>(transfer: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await transfer();
    } catch (thrown) {
      const mismatch = thrown instanceof KoboldError && thrown.code === "digest_mismatch";
      if (!mismatch || tries === MAX_TRIES) throw thrown;
    }
  }
}
