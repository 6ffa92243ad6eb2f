import { KoboldError } from "@koboldfs/protocol";
import type { Transport, TransportRequest, TransportResponse } from "../platform.js";
import { AttemptFailure } from "../session/attempt-failure.js";
import { FetchResponse } from "./fetch-response.js";
import { canSendWithProgress, sendWithProgress } from "./progress-request.js";
import { Silence } from "./silence.js";

/**
 * HTTP through `fetch`; connections are the browser's own affair. A Blob goes out through XMLHttpRequest, the only way by
 * which a browser tells how much of it was sent.
 */
export class FetchTransport implements Transport {
  readonly tellsSent = canSendWithProgress();

  async request(request: TransportRequest): Promise<TransportResponse> {
    const { body, signal, server } = request;
    const url = formatUrl(request);
    const silence = new Silence(server, signal);
    silence.expect(request.responseTimeoutMs);
    try {
      if (body instanceof Blob && this.tellsSent) {
        const response = await sendWithProgress(url, { ...request, body, signal: silence.signal });
        silence.end();
        return response;
      }
      const response = await fetch(url, {
        method: request.method,
        headers: request.headers,
        signal: silence.signal,
        ...(body !== undefined && { body: toBodyInit(body) }),
        // What comes is checked against its digest and asked for again when it is wrong: it must come from the server.
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
      });
      return new FetchResponse(response, { server, silence, idleTimeoutMs: request.idleTimeoutMs });
    } catch (cause) {
      silence.end();
      throw explainFailure(server, cause, signal);
    }
  }

  /** Nothing is kept here. */
  async close(): Promise<void> {}
}

/** Throws `invalid_key` for the two keys that no browser can ask for: it folds them as steps however they are written. */
function formatUrl({ server, path }: TransportRequest): string {
  const url = new URL(server + path);
  const [wanted = ""] = path.split("?");
  if (url.pathname === new URL(server).pathname.replace(/\/+$/, "") + wanted) return url.href;
  throw new KoboldError("invalid_key", `a browser cannot ask for ${JSON.stringify(path)}: it takes the key for a step`);
}

function toBodyInit(body: NonNullable<TransportRequest["body"]>): BodyInit {
  if (body instanceof Blob) return body;
  // The types allow bytes in shared memory, which nothing here makes.
  if (body instanceof Uint8Array) return body as Uint8Array<ArrayBuffer>;
  throw new TypeError("a browser sends no streams: the platform makes a Blob of them");
}

/** Whatever the browser reports means: this exchange did not happen, or not wholly. It says no more to scripts. */
function explainFailure(server: string, cause: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted === true) return signal.reason;
  if (cause instanceof AttemptFailure) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return AttemptFailure.unreachable(`${server}: ${reason}`, cause);
}
