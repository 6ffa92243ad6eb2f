import { putFile, sha256 } from "../harness/raw-files.js";
import { jsonOf } from "../harness/raw-request.js";
import type { PutReply } from "@koboldfs/protocol";

/** One put under a key that nothing else is ever put under. */
export interface Attempt {
  readonly key: string;
  readonly digest: string;
  /** What the acknowledgement said; undefined when there was none: then it happened entirely or not at all. */
  readonly copies: number | undefined;
}

/** Puts, and remembers of each what a client can know of it. */
export class WriteLedger {
  readonly attempts: Attempt[] = [];

  /** Never throws: whether it was acknowledged is what is recorded. */
  async put(server: string, key: string, body: string): Promise<void> {
    const reply = await putFile(server, key, { body }).catch(() => undefined);
    const isAcknowledged = reply !== undefined && reply.status < 300;
    const copies = isAcknowledged ? jsonOf<PutReply>(reply).copies : undefined;
    this.attempts.push({ key, digest: sha256(body), copies });
  }

  note(attempt: Attempt): void {
    this.attempts.push(attempt);
  }

  get acknowledged(): Attempt[] {
    return this.attempts.filter(({ copies }) => copies !== undefined);
  }
}
