import { createHash, type Hash } from "node:crypto";
import { once } from "node:events";
import type { ClientRequest } from "node:http";
import type { PutReply } from "@koboldfs/protocol";
import { acknowledged, filePath } from "./raw-files.js";
import { openRequest, readReply } from "./raw-request.js";

/** A put whose bytes go when the test says so, so that something can happen in the middle of it. */
export class SlowUpload {
  readonly #call: ClientRequest;
  readonly #hash: Hash = createHash("sha256");
  readonly #reply: ReturnType<typeof readReply>;

  private constructor(call: ClientRequest) {
    this.#call = call;
    this.#reply = readReply(call);
    // Awaited in `finish`, perhaps much later; until then a failure is nobody's yet.
    this.#reply.catch(() => {});
  }

  static begin(server: string, key: string, sizeBytes: number): SlowUpload {
    const headers = { "content-length": String(sizeBytes) };
    return new SlowUpload(openRequest(server, { method: "PUT", path: filePath(key), headers }));
  }

  /** Resolves when the server's back-pressure allows more. */
  async send(bytes: Buffer): Promise<void> {
    this.#hash.update(bytes);
    if (!this.#call.write(bytes)) await once(this.#call, "drain");
  }

  /** Ends the body; answers what the server said, and the digest of what was sent. Throws unless it acknowledged. */
  async finish(): Promise<{ reply: PutReply; sentDigest: string }> {
    this.#call.end();
    return { reply: acknowledged(await this.#reply), sentDigest: this.#hash.digest("hex") };
  }

  cancel(): void {
    this.#call.on("error", () => {});
    this.#call.destroy();
  }
}
