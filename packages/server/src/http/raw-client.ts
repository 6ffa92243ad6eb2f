import { type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import { connect, type Socket } from "node:net";
import type { Problem } from "@koboldfs/protocol";

export interface RawRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
}

export interface RawReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
  /** The body as JSON. */
  json<T>(): T;
  /** Status and code of a problem. */
  readonly problem: [number, string];
}

/** One request as the wire has it, for tests: nothing normalises the path, retries or checks. */
export function send(port: number, options: RawRequest): Promise<RawReply> {
  const { method = "GET", path, body } = options;
  // The server then says by itself whether the connection stays open.
  const headers = { connection: "keep-alive", ...options.headers };
  return new Promise((resolve, reject) => {
    const call = request({ host: "127.0.0.1", port, method, path, headers, agent: false }, (response) => {
      readReply(response).then(resolve, reject);
    });
    call.on("error", reject);
    call.end(body);
  });
}

export async function readReply(response: IncomingMessage): Promise<RawReply> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const text = body.toString("utf8");
  const status = response.statusCode ?? 0;
  return {
    ...{ status, headers: response.headers, body, text },
    json: <T>() => JSON.parse(text) as T,
    get problem(): [number, string] {
      return [status, (JSON.parse(text) as Problem).code];
    },
  };
}

/** A bare connection. `received` resolves with everything that arrived once the server closed it. */
export function openConnection(port: number): { socket: Socket; received: Promise<string> } {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  const chunks: Buffer[] = [];
  const received = new Promise<string>((resolve) => {
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", () => {});
    const end = () => {
      socket.destroy();
      resolve(Buffer.concat(chunks).toString("latin1"));
    };
    socket.on("end", end);
    socket.on("close", end);
  });
  return { socket, received };
}
