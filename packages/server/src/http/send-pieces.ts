import type { ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { KoboldError } from "@koboldfs/protocol";
import { type BlobPieces, piecesOf } from "../blobs/piece-stream.js";
import type { Logger } from "../runtime/logger.js";

/**
 * Sends the rest of an answer whose head was written, no faster than the client takes it: one piece is with the socket and
 * one is read ahead, whatever the client does. A client that goes away releases the blob, and a blob that fails cuts the
 * answer short of its announced length.
 */
export function sendContent(content: Buffer | Readable, response: ServerResponse, log: Logger): void {
  if (Buffer.isBuffer(content)) response.end(content);
  else void sendPieces(piecesOf(content), response, log);
}

async function sendPieces(pieces: BlobPieces, response: ServerResponse, log: Logger): Promise<void> {
  try {
    for (let piece = await pieces.next(); piece !== undefined; piece = await pieces.next()) {
      if (!(await writePiece(piece, response))) return;
      pieces.recycle(piece);
    }
    response.end();
  } catch (err) {
    response.destroy();
    if (err instanceof KoboldError) log.error({ err }, "an answer was cut short because its blob failed");
    else log.error({ err }, "an answer was cut short");
  } finally {
    await pieces.close();
  }
}

/** Resolves when the kernel has the bytes; false when the client is gone. */
function writePiece(piece: Buffer, response: ServerResponse): Promise<boolean> {
  return new Promise((resolve) => {
    const gone = () => resolve(false);
    response.once("close", gone);
    response.write(piece, (error) => {
      response.off("close", gone);
      resolve(error === null || error === undefined);
    });
  });
}
