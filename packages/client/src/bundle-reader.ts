import {
  BUNDLE_TYPE,
  type BundledName,
  type BundleRefusal,
  type BundleRequest,
  type FileInfo,
  isErrorCode,
  KoboldError,
  MAX_BUNDLE_BYTES,
  MAX_BUNDLE_FILES,
  type NamespaceName,
  parseFileKey,
} from "@koboldfs/protocol";
import type { CallOptions } from "./client-options.js";
import { isFileInfo } from "./reply-checks.js";
import { AttemptFailure } from "./session/attempt-failure.js";
import type { Session } from "./session/session.js";

/** One file of `getMany`: its content, or why there is none. */
export type GetManyResult =
  | { readonly ok: true; readonly info: FileInfo; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly error: KoboldError };

/** The lines of a thousand files, each with a KiB of key and 8 KiB of metadata, escaped. */
const MAX_LINES_BYTES = MAX_BUNDLE_FILES * 24 * 1024;
const LINE_END = 0x0a;

/** Several small files of one namespace in one answer. */
export class BundleReader {
  readonly #namespace: NamespaceName;
  readonly #session: Session;

  constructor(namespace: NamespaceName, session: Session) {
    this.#namespace = namespace;
    this.#session = session;
  }

  async read(files: readonly BundledName[], options: CallOptions): Promise<GetManyResult[]> {
    if (files.length === 0) return [];
    for (const { key } of files) parseFileKey(key);
    const body: BundleRequest = { files: [...files] };
    const request = {
      method: "POST" as const,
      path: `/v1/bundles/${this.#namespace}`,
      headers: { "content-type": "application/json", accept: BUNDLE_TYPE },
      body: new TextEncoder().encode(JSON.stringify(body)),
      wholeBytes: MAX_BUNDLE_BYTES + MAX_LINES_BYTES,
    };
    const { platform } = this.#session;
    return this.#session.call(
      request,
      async (response) => {
        const answer = await response.readBytes(request.wholeBytes);
        return new BundleParser(answer, (bytes) => platform.hash(bytes)).take(files);
      },
      options,
    );
  }
}

/** Takes an answer apart, and checks that it is what was asked for. Anything else throws an `AttemptFailure`. */
class BundleParser {
  readonly #answer: Uint8Array;
  readonly #hash: (bytes: Uint8Array) => string;
  readonly #decoder = new TextDecoder();
  #position = 0;

  constructor(answer: Uint8Array, hash: (bytes: Uint8Array) => string) {
    this.#answer = answer;
    this.#hash = hash;
  }

  take(files: readonly BundledName[]): GetManyResult[] {
    const results = files.map((file) => this.#takeOne(file));
    if (this.#position !== this.#answer.length) throw AttemptFailure.invalidResponse("the bundle is too long");
    return results;
  }

  #takeOne({ key }: BundledName): GetManyResult {
    const line = this.#takeLine();
    if (line.key !== key) throw AttemptFailure.invalidResponse("the bundle has another file than was asked for");
    if ("error" in line) {
      const { code, detail } = line.error;
      return { ok: false, error: new KoboldError(isErrorCode(code) ? code : "invalid_response", detail) };
    }
    if (!isFileInfo(line)) throw AttemptFailure.invalidResponse("the bundle lacks what a file is");
    const bytes = this.#takeBytes(line.size);
    if (this.#hash(bytes) !== line.digest) {
      const error = new KoboldError("digest_mismatch", `the bytes of ${JSON.stringify(key)} are not its content`);
      throw new AttemptFailure(error, { retryable: true, avoidServer: true });
    }
    return { ok: true, info: line, bytes };
  }

  #takeLine(): FileInfo | BundleRefusal {
    const end = this.#answer.indexOf(LINE_END, this.#position);
    if (end === -1) throw AttemptFailure.invalidResponse("the bundle ends early");
    const text = this.#decoder.decode(this.#answer.subarray(this.#position, end));
    this.#position = end + 1;
    try {
      return JSON.parse(text) as FileInfo | BundleRefusal;
    } catch {
      throw AttemptFailure.invalidResponse("the bundle has a line that is not JSON");
    }
  }

  #takeBytes(sizeBytes: number): Uint8Array {
    const bytes = this.#answer.subarray(this.#position, this.#position + sizeBytes);
    if (bytes.length !== sizeBytes) throw AttemptFailure.invalidResponse("the bundle ends early");
    this.#position += sizeBytes;
    return bytes;
  }
}
