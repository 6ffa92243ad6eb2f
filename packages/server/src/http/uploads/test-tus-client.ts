import { type RawReply, send } from "../raw-client.js";

/** `name BASE64, …` of plain values. */
export function formatUploadMetadata(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${Buffer.from(value).toString("base64")}`)
    .join(",");
}

export interface TusRequest {
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
}

/** A tus client that says what it is told, for tests. */
export class TestTusClient {
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  request(method: string, path: string, { headers, body }: Omit<TusRequest, "path"> = {}): Promise<RawReply> {
    const usual = { "tus-resumable": "1.0.0", ...headers };
    return send(this.#port, { method, path, headers: usual, ...(body !== undefined && { body }) });
  }

  /** POST of an upload of `demo/KEY`. */
  create(key: string, sizeBytes: number, more: TusRequest & { metadata?: Record<string, string> } = {}) {
    const metadata = formatUploadMetadata({ namespace: "demo", key, ...more.metadata });
    const headers = { "upload-length": String(sizeBytes), "upload-metadata": metadata, ...pieceHeaders(more.body) };
    return this.request("POST", "/v1/uploads", { ...more, headers: { ...headers, ...more.headers } });
  }

  /** As `create`; answers the path of the upload. */
  async begin(key: string, sizeBytes: number, metadata: Record<string, string> = {}): Promise<string> {
    const reply = await this.create(key, sizeBytes, { metadata });
    if (reply.status !== 201) throw new Error(`${reply.status} ${reply.text}`);
    return pathOf(reply);
  }

  patch(path: string, offset: number, body: string | Uint8Array, headers: Record<string, string> = {}) {
    const usual = { ...pieceHeaders(body), "upload-offset": String(offset) };
    return this.request("PATCH", path, { headers: { ...usual, ...headers }, body });
  }

  head(path: string): Promise<RawReply> {
    return this.request("HEAD", path);
  }
}

export function pathOf(reply: RawReply): string {
  return new URL(reply.headers.location ?? "").pathname;
}

function pieceHeaders(body: string | Uint8Array | undefined): Record<string, string> {
  if (body === undefined) return {};
  return { "content-type": "application/offset+octet-stream", "content-length": String(Buffer.byteLength(body)) };
}
