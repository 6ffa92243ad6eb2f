import type { ServerResponse } from "node:http";
import { type Answer, type ArrivedRequest, sendProblem, sha256 } from "./scripted-server.js";

interface ScriptedUpload {
  readonly path: string;
  readonly sizeBytes: number;
  readonly metadata: ReadonlyMap<string, string>;
  bytes: Buffer;
}

/** What the server does with a piece: how much of it it keeps, and whether it answers. */
export interface PieceFate {
  readonly keptBytes?: number;
  readonly cut?: boolean;
}

/** Resumable uploads as a node answers them, and breaks at the places that a test chooses. */
export class ScriptedUploads {
  readonly uploads: ScriptedUpload[] = [];
  /** Offset and length of every piece that arrived. */
  readonly pieces: [offset: number, lengthBytes: number][] = [];
  ended = 0;
  /** What the server calls itself in the address of an upload. */
  ownUrl = "";
  /** Asked with each piece's number, from 1. */
  fate: (piece: number) => PieceFate = () => ({});
  /** Whether a complete upload's file gets its name. */
  names = true;
  /** The digest that the server says it has. */
  digestOf: (bytes: Buffer) => string = sha256;

  readonly answer: Answer = (request, response) => {
    if (request.method === "POST") return this.#create(request, response);
    const upload = this.uploads.find(({ path }) => path === request.url);
    if (upload === undefined) return this.#refuse(response, 404, "upload_not_found");
    if (request.method === "HEAD") return this.#tell(upload, response, 200);
    if (request.method === "PATCH") return this.#take(upload, request, response);
    this.uploads.splice(this.uploads.indexOf(upload), 1);
    this.ended += 1;
    response.writeHead(204).end();
  };

  #create({ headers }: ArrivedRequest, response: ServerResponse): void {
    const upload = {
      path: `/v1/uploads/${this.uploads.length + this.ended}`,
      sizeBytes: Number(headers["upload-length"]),
      metadata: parseMetadata(String(headers["upload-metadata"])),
      bytes: Buffer.alloc(0),
    };
    this.uploads.push(upload);
    response.writeHead(201, { location: this.ownUrl + upload.path }).end();
  }

  #take(upload: ScriptedUpload, { headers, body }: ArrivedRequest, response: ServerResponse): void {
    const offset = Number(headers["upload-offset"]);
    if (offset !== upload.bytes.length) return this.#refuse(response, 409, "upload_offset_mismatch");
    this.pieces.push([offset, body.length]);
    const { keptBytes = body.length, cut = false } = this.fate(this.pieces.length);
    upload.bytes = Buffer.concat([upload.bytes, body.subarray(0, keptBytes)]);
    if (cut) response.destroy();
    else this.#tell(upload, response, 204);
  }

  #tell({ bytes, sizeBytes }: ScriptedUpload, response: ServerResponse, status: number): void {
    const outcome = { etag: `"${this.digestOf(bytes)}"`, "koboldfs-version": 7 };
    response.writeHead(status, {
      "upload-offset": bytes.length,
      "upload-length": sizeBytes,
      ...(this.names && bytes.length === sizeBytes && { ...outcome, "koboldfs-copies": 2, "koboldfs-wanted": 2 }),
    });
    response.end();
  }

  #refuse(response: ServerResponse, status: number, code: string): void {
    response.setHeader("koboldfs-error", code);
    sendProblem(response, status, code, false);
  }
}

function parseMetadata(header: string): Map<string, string> {
  const pairs = header.split(",").map((pair) => pair.split(" ") as [string, string]);
  return new Map(pairs.map(([name, value]) => [name, Buffer.from(value, "base64").toString()]));
}
