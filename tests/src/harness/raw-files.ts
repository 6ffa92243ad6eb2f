import { createHash } from "node:crypto";
import type { PutReply } from "@koboldfs/protocol";
import { NAMESPACE } from "./cluster.js";
import { jsonOf, type RawReply, rawRequest } from "./raw-request.js";

/** The URL path of a key: everything but unreserved characters and slashes percent-encoded. */
export function filePath(key: string, namespace: string = NAMESPACE): string {
  return `/v1/files/${namespace}/${encodeURIComponent(key).replaceAll("%2F", "/")}`;
}

export function putFile(
  server: string,
  key: string,
  { body, headers = {} }: { body: Uint8Array | string; headers?: Record<string, string> },
): Promise<RawReply> {
  return rawRequest(server, { method: "PUT", path: filePath(key), headers, body });
}

export function getFile(server: string, key: string): Promise<RawReply> {
  return rawRequest(server, { path: filePath(key) });
}

/** Throws with the server's answer unless the put was acknowledged. */
export async function mustPut(server: string, key: string, body: Uint8Array | string): Promise<PutReply> {
  const reply = await putFile(server, key, { body });
  return acknowledged(reply);
}

export function acknowledged(reply: RawReply): PutReply {
  if (reply.status >= 300) throw new Error(`put answered ${reply.status}: ${reply.body.toString()}`);
  return jsonOf<PutReply>(reply);
}

/** The bytes of a file. Throws with the server's answer when it does not send them. */
export async function mustGet(server: string, key: string): Promise<Buffer> {
  const reply = await getFile(server, key);
  if (reply.status !== 200) throw new Error(`get of ${key} answered ${reply.status}: ${reply.body.toString()}`);
  return reply.body;
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** A header value of RFC 9530 for a digest in hex. */
export function digestField(hex: string): string {
  return `sha-256=:${Buffer.from(hex, "hex").toString("base64")}:`;
}
