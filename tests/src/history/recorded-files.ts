import type { ListReply } from "@koboldfs/protocol";
import { NAMESPACE } from "../harness/cluster.js";
import { filePath, sha256 } from "../harness/raw-files.js";
import { findRegisterFault, type RegisterOperation } from "./check-register.js";

/** Longer than most faults last: whoever waits longer says that there was no answer. */
const PATIENCE_MS = 8_000;

/** How a request ended. A read marked `Koboldfs-As-Of` is old by its own word, and proves nothing. */
type Ending = "acknowledged" | "unanswered" | "as-of";

/** Puts, gets, deletes and lists over plain HTTP, and writes down for each key what a client can know of it. */
export class RecordedFiles {
  readonly #prefix: string;
  readonly #operations = new Map<string, RegisterOperation[]>();
  readonly counts: Record<Ending, number> = { acknowledged: 0, unanswered: 0, "as-of": 0 };

  /** Keys begin with `prefix`, and nothing else of the cluster does. */
  constructor(prefix: string, keys: readonly string[]) {
    this.#prefix = prefix;
    for (const key of keys) this.#operations.set(key, []);
  }

  async put(server: string, key: string, body: string): Promise<void> {
    await this.#write(key, sha256(body), () => this.#request(server, key, { method: "PUT", body }));
  }

  async delete(server: string, key: string): Promise<void> {
    const startMs = performance.now();
    const response = await this.#request(server, key, { method: "DELETE" }).catch(() => undefined);
    // Decided under the journal's lock: there was nothing.
    if (response?.status === 404 && this.#end("acknowledged"))
      this.#note(key, { kind: "read", value: undefined, startMs });
    else this.#noteWrite(key, undefined, { startMs, isDone: response?.ok === true });
  }

  async get(server: string, key: string): Promise<void> {
    const startMs = performance.now();
    try {
      const response = await this.#request(server, key, {});
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (response.status !== 200 && response.status !== 404) throw new Error(`status ${response.status}`);
      if (!this.#end(response.headers.has("koboldfs-as-of") ? "as-of" : "acknowledged")) return;
      this.#note(key, { kind: "read", value: response.status === 200 ? sha256(bytes) : undefined, startMs });
    } catch {
      this.#end("unanswered");
    }
  }

  /** One page that has all keys: a read of each of them. */
  async list(server: string): Promise<void> {
    const startMs = performance.now();
    try {
      const url = `${server}/v1/files/${NAMESPACE}?prefix=${encodeURIComponent(this.#prefix)}`;
      const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
      if (!response.ok) throw new Error(`status ${response.status}`);
      const { files } = (await response.json()) as ListReply;
      if (!this.#end(response.headers.has("koboldfs-as-of") ? "as-of" : "acknowledged")) return;
      const listed = new Map(files.map(({ key, digest }) => [key, digest]));
      const endMs = performance.now();
      for (const [key, operations] of this.#operations) {
        operations.push({ kind: "read", value: listed.get(this.#prefix + key), startMs, endMs });
      }
    } catch {
      this.#end("unanswered");
    }
  }

  /** Says for which keys no order of what was recorded explains what everybody saw. */
  findFaults(): string[] {
    return [...this.#operations].flatMap(([key, operations]) => {
      const fault = findRegisterFault(operations);
      return fault === undefined ? [] : [`${this.#prefix}${key}: ${fault}`];
    });
  }

  get keys(): string[] {
    return [...this.#operations.keys()];
  }

  async #write(key: string, value: string | undefined, send: () => Promise<Response>): Promise<void> {
    const startMs = performance.now();
    const response = await send().catch(() => undefined);
    const isDone = response?.ok === true && (await response.text().catch(() => undefined)) !== undefined;
    this.#noteWrite(key, value, { startMs, isDone });
  }

  #noteWrite(key: string, value: string | undefined, { startMs, isDone }: { startMs: number; isDone: boolean }): void {
    this.#end(isDone ? "acknowledged" : "unanswered");
    const endMs = isDone ? performance.now() : undefined;
    this.#operations.get(key)?.push({ kind: "write", value, startMs, endMs });
  }

  #note(key: string, operation: Omit<RegisterOperation, "endMs">): void {
    this.#operations.get(key)?.push({ ...operation, endMs: performance.now() });
  }

  #request(server: string, key: string, init: RequestInit): Promise<Response> {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    return fetch(server + filePath(this.#prefix + key), { ...init, signal });
  }

  /** Counts, and answers whether it proves something. */
  #end(ending: Ending): boolean {
    this.counts[ending] += 1;
    return ending === "acknowledged";
  }
}
