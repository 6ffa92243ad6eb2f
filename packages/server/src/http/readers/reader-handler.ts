import type { IncomingMessage, ServerResponse } from "node:http";
import type { FileKey, NamespaceName } from "@koboldfs/protocol";
import { HEADER } from "@koboldfs/protocol";
import type { ClientAuth } from "../../auth/client-auth.js";
import type { BlobReader, OpenBlob } from "../../blobs/blob-store.js";
import { PieceStream } from "../../blobs/piece-stream.js";
import type { HeldFile } from "../../catalog/catalog.js";
import { SteadyPieces } from "../../files/steady-pieces.js";
import { type ByteSpan, parseRange } from "../../model/byte-range.js";
import { decideRead, ifRangeHolds } from "../../model/read-condition.js";
import type { Logger } from "../../runtime/logger.js";
import type { CorsGate } from "../cors.js";
import type { Exchange } from "../exchange.js";
import { conditionsOf, fileHeaders, partHeaders, validatorHeaders, wholeHeaders } from "../file-headers.js";
import { formatFileUrl, parseQueriedFileUrl } from "../file-url.js";
import type { Offload } from "../offload.js";
import { sendContent } from "../send-pieces.js";
import type { NodeLink } from "./node-link.js";

export interface ReaderHandlerOptions {
  readonly auth: ClientAuth;
  /** The file as the catalog has it; undefined when it has none, or when that is not certain. Never rejects. */
  readonly findFile: (namespace: NamespaceName, key: FileKey) => Promise<HeldFile | undefined>;
  /** What of this node's blobs this process can read. */
  readonly blobs: BlobReader;
  readonly offload: Offload;
  readonly link: Pick<NodeLink, "handOn" | "openVersion">;
  /** Requests that this process answers itself at once; what comes beyond is handed on. */
  readonly maxRunning: number;
  /** Undefined where no other origin's pages may read. */
  readonly cors: Pick<CorsGate, "answers"> | undefined;
  readonly log: Logger;
  /** Log every answer, at debug level. */
  readonly logRequests: boolean;
}

/** Counted since the process started. */
export interface ReaderCounts {
  readonly answered: number;
  readonly handedOn: number;
}

/**
 * What a reader process does with a request: a plain read of a file that is here and good, it answers; everything else the
 * node process does.
 */
export class ReaderHandler {
  readonly #options: ReaderHandlerOptions;
  #running = 0;
  #answered = 0;
  #handedOn = 0;

  constructor(options: ReaderHandlerOptions) {
    this.#options = options;
  }

  get counts(): ReaderCounts {
    return { answered: this.#answered, handedOn: this.#handedOn };
  }

  handle(exchange: Exchange): void {
    if (!this.#isPlainRead(exchange.request) || this.#running >= this.#options.maxRunning) {
      this.#handOn(exchange);
      return;
    }
    void this.#answerOrHandOn(exchange);
  }

  async #answerOrHandOn(exchange: Exchange): Promise<void> {
    const { cors, log, logRequests } = this.#options;
    const { request, response } = exchange;
    const startedMs = performance.now();
    this.#running += 1;
    const answer = await this.#prepare(request).catch((err: unknown) => {
      // Whatever it is, the node process meets it too and says it better.
      log.debug({ err, url: request.url }, "a read is handed on");
      return undefined;
    });
    if (response.destroyed || answer === undefined) {
      this.#running -= 1;
      if (!response.destroyed) this.#handOn(exchange);
      else discard(answer);
      return;
    }
    this.#answered += 1;
    response.once("close", () => {
      this.#running -= 1;
      if (!logRequests) return;
      const { method, url, socket } = request;
      const fields = { method, url, ip: socket.remoteAddress, status: response.statusCode };
      log.debug({ ...fields, ms: Math.round(performance.now() - startedMs) }, "answered a request");
    });
    // It marks the answer; only what is no read it would answer itself.
    cors?.answers(request, response);
    response.writeHead(answer.status, answer.headers);
    if (answer.content === undefined) response.end();
    else sendContent(answer.content, response, log);
  }

  /** Undefined when only the node process can answer. */
  async #prepare({ headers, method, url = "" }: IncomingMessage): Promise<Answer | undefined> {
    const { auth, blobs, findFile, offload } = this.#options;
    auth.check(headers.authorization);
    const { namespace, key } = parseQueriedFileUrl(url);
    const file = await findFile(namespace, key);
    if (file === undefined) return undefined;
    const verdict = decideRead(conditionsOf(headers), file);
    if (verdict === "not_modified") return { status: 304, headers: validatorHeaders(file) };
    if (verdict !== "send") return undefined;
    if (method === "HEAD") return { status: 200, headers: wholeHeaders(file) };
    const handed = await offload.handOver(file, headers);
    if (handed !== undefined) return { status: 200, headers: { ...fileHeaders(file), ...handed } };
    const counts = ifRangeHolds(headers["if-range"] as string | undefined, file.digest);
    const plan = parseRange(counts ? headers.range : undefined, file.sizeBytes);
    if (plan.kind === "unsatisfiable") return undefined;
    const span = plan.kind === "part" ? plan.span : undefined;
    const blob = await blobs.open(file, span);
    if (blob === undefined) return undefined;
    if (blob.sizeBytes !== file.sizeBytes) {
      discard(blob);
      return undefined;
    }
    const content = Buffer.isBuffer(blob.content) ? blob.content : this.#steady(file, { blob, span, headers });
    return span === undefined
      ? { status: 200, headers: wholeHeaders(file), content }
      : { status: 206, headers: partHeaders(file, span), content };
  }

  /** A long answer that goes on from the node process, which knows peers, when the disk fails midway. */
  #steady(file: HeldFile, { blob, span, headers }: Opened): PieceStream {
    const { link, log } = this.#options;
    const { namespace, key, digest, sizeBytes, version } = file;
    const path = `${formatFileUrl({ namespace, key })}?version=${version}`;
    const sources = {
      openNext: (range: ByteSpan | undefined) =>
        link.openVersion({ path, authorization: headers.authorization, sizeBytes }, range),
      fail: (err: unknown) => log.error({ err, namespace, digest }, "this node's copy of a blob is bad"),
    };
    return new PieceStream(new SteadyPieces({ sources, first: blob.content, sizeBytes, range: span }));
  }

  #isPlainRead({ method, url = "", headers }: IncomingMessage): boolean {
    if (method !== "GET" && method !== "HEAD") return false;
    // Keys may have any characters; only what stands behind a bare `?` asks for something else than the file.
    if (!url.startsWith("/v1/files/") || url.includes("?")) return false;
    if (headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined) return false;
    return headers[HEADER.transaction.toLowerCase()] === undefined && headers.expect === undefined;
  }

  #handOn(exchange: Exchange): void {
    this.#handedOn += 1;
    this.#options.link.handOn(exchange);
  }
}

interface Answer {
  readonly status: number;
  readonly headers: Parameters<ServerResponse["writeHead"]>[1] & object;
  readonly content?: OpenBlob["content"];
}

interface Opened {
  readonly blob: OpenBlob;
  readonly span: ByteSpan | undefined;
  readonly headers: IncomingMessage["headers"];
}

/** Lets go of the file beneath. */
function discard(opened: { readonly content?: OpenBlob["content"] } | undefined): void {
  const content = opened?.content;
  if (content !== undefined && !Buffer.isBuffer(content)) content.destroy();
}
