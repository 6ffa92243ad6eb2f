import { HEADER, type PutReply } from "@koboldfs/protocol";
import { parseEntityTag } from "../digest-header.js";
import type { TransportRequest, TransportResponse } from "../platform.js";
import { checkPutReply } from "../reply-checks.js";
import { AttemptFailure } from "../session/attempt-failure.js";
import type { Session } from "../session/session.js";

/** Where a server keeps what arrived. */
export interface UploadPlace {
  /** Scheme, host and port of the node that has it. */
  readonly server: string;
  readonly path: string;
}

/** How far an upload is; with a reply once its file has its name. */
export interface UploadState {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly reply?: PutReply;
}

export interface SentPiece {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly body: NonNullable<TransportRequest["body"]>;
  readonly signal: AbortSignal;
  /** From the last byte to the answer; 0 when the signal takes care of that. */
  readonly answerMs: number;
  readonly onSent?: (bytes: number) => void;
}

const TUS = { [HEADER.tusResumable]: "1.0.0" };
const UPLOADS_PATH = "/v1/uploads";
/** Ending an upload is a courtesy: a server that does not answer soon lets it expire. */
const END_MS = 2_000;

/** A resumable upload as tus 1.0.0 has it, request by request: nothing is tried again here. */
export class UploadResource {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Begins one at this server; answers where it is. */
  async create(server: string, upload: { sizeBytes: number; metadata: string; signal?: AbortSignal | undefined }) {
    const response = await this.#session.exchange({
      ...{ server, method: "POST", path: UPLOADS_PATH, signal: upload.signal },
      headers: {
        ...TUS,
        [HEADER.uploadLength]: String(upload.sizeBytes),
        [HEADER.uploadMetadata]: upload.metadata,
      },
      body: new Uint8Array(),
    });
    await response.finish();
    const location = response.headers["location"] ?? "";
    const place = parseUploadPlace(location.startsWith("/") ? server + location : location);
    if (place === undefined) throw AttemptFailure.invalidResponse("the server did not say where the upload is");
    return place.server === server ? place : this.#chooseWay(server, place, upload.signal);
  }

  /**
   * The address under which the node was asked is one that works from here; the one that the node knows for itself may
   * not be, behind a mapped port, say. But behind one address there may be several nodes: then only its own leads to it.
   */
  async #chooseWay(server: string, own: UploadPlace, signal: AbortSignal | undefined): Promise<UploadPlace> {
    const asked = { server, path: own.path };
    try {
      await this.ask(asked, { signal, answerMs: this.#session.options.responseTimeoutMs });
      return asked;
    } catch (thrown) {
      if (thrown instanceof AttemptFailure && thrown.error.code === "upload_not_found") return own;
      throw thrown;
    }
  }

  /** Where to go on. Of a complete upload the server answers when its file has its name, which may take a while. */
  async ask({ server, path }: UploadPlace, wait: { signal?: AbortSignal | undefined; answerMs: number }) {
    const { signal, answerMs } = wait;
    const options = { server, method: "HEAD" as const, path, headers: TUS, signal, responseTimeoutMs: answerMs };
    const response = await this.#session.exchange(options);
    await response.finish();
    return readState(response, readCount(response, HEADER.uploadLength));
  }

  async send({ server, path }: UploadPlace, piece: SentPiece): Promise<UploadState> {
    const response = await this.#session.exchange({
      ...{ server, method: "PATCH", path, body: piece.body, signal: piece.signal, responseTimeoutMs: piece.answerMs },
      ...(piece.onSent !== undefined && { onSent: piece.onSent }),
      headers: {
        ...TUS,
        "content-type": "application/offset+octet-stream",
        // Of a Blob the platform knows it, and lets nobody else say it.
        ...(!(piece.body instanceof Blob) && { "content-length": String(piece.sizeBytes - piece.offset) }),
        [HEADER.uploadOffset]: String(piece.offset),
      },
    });
    await response.finish();
    return readState(response, piece.sizeBytes);
  }

  /** Best effort: what is not ended expires. */
  async end({ server, path }: UploadPlace): Promise<void> {
    try {
      const options = { server, method: "DELETE" as const, path, headers: TUS, responseTimeoutMs: END_MS };
      await (await this.#session.exchange({ ...options, signal: AbortSignal.timeout(END_MS) })).finish();
    } catch {
      // Nobody waits for it, and nothing depends on it.
    }
  }
}

/** Undefined for what is no address of an upload. */
export function parseUploadPlace(url: string): UploadPlace | undefined {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol) || parsed.search !== "") return undefined;
  const start = parsed.pathname.indexOf(`${UPLOADS_PATH}/`);
  if (start === -1) return undefined;
  return { server: parsed.origin + parsed.pathname.slice(0, start), path: parsed.pathname.slice(start) };
}

export function formatUploadPlace({ server, path }: UploadPlace): string {
  return server + path;
}

function readState(response: TransportResponse, sizeBytes: number): UploadState {
  const offset = readCount(response, HEADER.uploadOffset);
  if (response.headers[HEADER.version] === undefined) return { offset, sizeBytes };
  const reply = {
    digest: parseEntityTag(response.headers["etag"]),
    size: sizeBytes,
    version: readCount(response, HEADER.version),
    copies: readCount(response, HEADER.copies),
    wanted: readCount(response, HEADER.wanted),
  };
  return { offset, sizeBytes, reply: checkPutReply(reply) };
}

function readCount(response: TransportResponse, header: string): number {
  const text = response.headers[header] ?? "";
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(count)) return count;
  throw AttemptFailure.invalidResponse(`the server's answer lacks a valid ${header}`);
}
