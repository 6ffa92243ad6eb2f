import {
  type DeletedFileInfo,
  HEADER,
  parseFileKey,
  type PurgeReply,
  type RestoreReply,
  type VersionInfo,
} from "@koboldfs/protocol";
import type { CallOptions, ListOptions } from "./client-options.js";
import { formatFilePath, formatNamespaceFilesPath } from "./file-address.js";
import { checkDeletedList, checkPurge, checkRestore, checkVersionList } from "./reply-checks.js";
import type { Session } from "./session/session.js";

/** Entries asked for at once. */
const PAGE_SIZE = 1_000;

/** What the keys of one namespace named before, and how to have it back. */
export class HistoryFace {
  readonly #session: Session;
  readonly #namespace: string;

  constructor(session: Session, namespace: string) {
    this.#session = session;
    this.#namespace = namespace;
  }

  async *versions(key: string, options: CallOptions): AsyncGenerator<VersionInfo> {
    const path = formatFilePath(this.#namespace, parseFileKey(key));
    let before = "";
    for (;;) {
      const request = { method: "GET" as const, path: `${path}?versions&limit=${PAGE_SIZE}${before}` };
      const page = await this.#session.callJson(request, checkVersionList, options);
      yield* page.versions;
      if (page.next === undefined) return;
      before = `&before=${page.next}`;
    }
  }

  async *deleted({ prefix = "", after = "", ...options }: ListOptions): AsyncGenerator<DeletedFileInfo> {
    const path = formatNamespaceFilesPath(this.#namespace);
    for (let from = after; ; ) {
      const query = `deleted&limit=${options.pageSize ?? PAGE_SIZE}&prefix=${encodeURIComponent(prefix)}`;
      const request = { method: "GET" as const, path: `${path}?${query}&after=${encodeURIComponent(from)}` };
      const page = await this.#session.callJson(request, checkDeletedList, options);
      yield* page.files;
      if (page.next === undefined) return;
      from = page.next;
    }
  }

  restorePrefix(prefix: string, asOf: string, options: CallOptions): Promise<RestoreReply> {
    const headers = { [HEADER.idempotencyKey]: this.#session.createIdempotencyKey() };
    return this.#session.callJson(this.#post("restores", { prefix, asOf }, headers), checkRestore, options);
  }

  purge(key: string, version: number | undefined, options: CallOptions): Promise<PurgeReply> {
    const body = { key, ...(version !== undefined && { version }) };
    return this.#session.callJson(this.#post("purges", body, {}), checkPurge, options);
  }

  #post(what: string, body: object, headers: Record<string, string>) {
    return {
      method: "POST" as const,
      path: `/v1/${what}/${encodeURIComponent(this.#namespace)}`,
      headers: { ...headers, "content-type": "application/json" },
      body: new TextEncoder().encode(JSON.stringify(body)),
    };
  }
}
