import { once } from "node:events";
import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import type { Problem } from "@koboldfs/protocol";

/** More than any server of these tests may need; a request that hangs fails its test while the cluster still lives. */
const ANSWER_TIMEOUT_MS = 60_000;

export interface RawRequest {
  readonly method?: string;
  /** Sent exactly as it stands: nothing normalises `..` or `%2e`. */
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array | string;
}

export interface RawReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One request on a connection of its own, as the wire has it: no retries, no failover, no redirects, no checks. */
export async function rawRequest(server: string, options: RawRequest): Promise<RawReply> {
  const call = openRequest(server, options);
  call.setTimeout(ANSWER_TIMEOUT_MS, () => call.destroy(new Error(`no answer within ${ANSWER_TIMEOUT_MS} ms`)));
  call.end(options.body);
  return readReply(call);
}

/** A request whose body the test writes, or breaks off, itself. */
export function openRequest(server: string, options: Omit<RawRequest, "body">): ClientRequest {
  const { hostname, port } = new URL(server);
  const { method = "GET", path, headers = {} } = options;
  return request({ hostname, port, method, path, headers, agent: false });
}

export async function readReply(call: ClientRequest): Promise<RawReply> {
  const [response] = (await once(call, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
}

export function jsonOf<T>(reply: RawReply): T {
  return JSON.parse(reply.body.toString("utf8")) as T;
}

/** Status and code of a refusal, in the shape that tests compare. */
export function refusalOf(reply: RawReply): { status: number; code: string } {
  return { status: reply.status, code: jsonOf<Problem>(reply).code };
}
