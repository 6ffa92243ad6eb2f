import { once } from "node:events";
import type { ClientRequest } from "node:http";
import { NAMESPACE } from "./cluster.js";
import { openRequest, type RawReply, rawRequest, readReply } from "./raw-request.js";

const TUS = { "tus-resumable": "1.0.0" };
const PIECE_TYPE = "application/offset+octet-stream";

/** `name BASE64,…` */
export function uploadMetadata(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${Buffer.from(value).toString("base64")}`)
    .join(",");
}

/** Begins an upload; answers its URL. Throws with the server's answer. */
export async function beginUpload(
  server: string,
  key: string,
  { sizeBytes, metadata = {} }: { sizeBytes: number; metadata?: Record<string, string> },
): Promise<URL> {
  const named = uploadMetadata({ namespace: NAMESPACE, key, ...metadata });
  const headers = { ...TUS, "upload-length": String(sizeBytes), "upload-metadata": named, "content-length": "0" };
  const reply = await rawRequest(server, { method: "POST", path: "/v1/uploads", headers });
  if (reply.status !== 201) throw new Error(`the upload was answered ${reply.status}: ${reply.body.toString()}`);
  return new URL(reply.headers.location ?? "");
}

export function askUpload(upload: URL, method: "HEAD" | "GET" | "DELETE"): Promise<RawReply> {
  return rawRequest(upload.origin, { method, path: upload.pathname, headers: TUS });
}

/** Where the upload goes on. Throws with the server's answer. */
export async function offsetOf(upload: URL): Promise<number> {
  const reply = await askUpload(upload, "HEAD");
  if (reply.status !== 200) throw new Error(`HEAD was answered ${reply.status}: ${reply.headers["koboldfs-error"]}`);
  return Number(reply.headers["upload-offset"]);
}

export function sendPiece(upload: URL, offset: number, bytes: Uint8Array): Promise<RawReply> {
  const call = openPiece(upload, { offset, sizeBytes: bytes.length });
  call.end(bytes);
  return readReply(call);
}

/** A piece whose body goes as the test says. */
export function openPiece(upload: URL, piece: { offset: number; sizeBytes: number }): ClientRequest {
  const headers = {
    ...TUS,
    "content-type": PIECE_TYPE,
    "upload-offset": String(piece.offset),
    "content-length": String(piece.sizeBytes),
  };
  return openRequest(upload.origin, { method: "PATCH", path: upload.pathname, headers });
}

/** Writes until all is written or the connection is gone; answers how many bytes were handed over. */
export async function writeUntilCut(call: ClientRequest, bytes: Buffer, chunkBytes: number): Promise<number> {
  const gone = new AbortController();
  call.on("error", () => gone.abort());
  call.on("close", () => gone.abort());
  let sent = 0;
  for (; sent < bytes.length && !gone.signal.aborted; sent += chunkBytes) {
    if (call.write(bytes.subarray(sent, sent + chunkBytes))) continue;
    await once(call, "drain", { signal: gone.signal }).catch(() => {});
  }
  return Math.min(sent, bytes.length);
}
