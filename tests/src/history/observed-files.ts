import { createHash } from "node:crypto";
import type { PutReply } from "@koboldfs/protocol";
import { filePath } from "../harness/raw-files.js";
import type { Observation } from "./check-history.js";

/** Puts and gets over plain HTTP and writes down what a client can know of each. */
export class ObservedFiles {
  readonly history: Observation[] = [];
  /** What the servers said to requests that they did not do. */
  readonly refusals: string[] = [];

  async put(server: string, key: string, body: Uint8Array | string): Promise<void> {
    const startMs = performance.now();
    const digest = createHash("sha256").update(body).digest("hex");
    const version = await this.#put(server, key, body).catch((error: unknown) => this.#refused("put", error));
    this.history.push({ kind: "put", key, digest, version, startMs, endMs: performance.now() });
  }

  async get(server: string, key: string): Promise<void> {
    const startMs = performance.now();
    try {
      const response = await fetch(`${server}${filePath(key)}`);
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (response.status !== 200 && response.status !== 404) throw new Error(`${response.status} ${textOf(bytes)}`);
      const found = response.status === 200;
      const digest = found ? createHash("sha256").update(bytes).digest("hex") : undefined;
      const version = found ? Number(response.headers.get("koboldfs-version")) : undefined;
      this.history.push({ kind: "get", key, digest, version, startMs, endMs: performance.now() });
    } catch (error) {
      this.#refused("get", error);
    }
  }

  async #put(server: string, key: string, body: Uint8Array | string): Promise<number> {
    const response = await fetch(`${server}${filePath(key)}`, { method: "PUT", body });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return ((await response.json()) as PutReply).version;
  }

  #refused(what: string, error: unknown): undefined {
    this.refusals.push(`${what}: ${String(error)}`);
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("utf8");
}
