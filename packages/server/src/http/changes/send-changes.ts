import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { ChangeReader } from "../../mirror/changes/change-feed.js";
import type { Clock } from "../../runtime/clock.js";
import type { ChangeForm } from "./change-forms.js";

export interface SendOptions {
  readonly reader: ChangeReader;
  readonly form: ChangeForm;
  /** Whether the answer ends with the first changes that it has, as soon as there are no more of them. */
  readonly endsWithFirst: boolean;
  /** How long the answer may take; Infinity: as long as the reader stays. */
  readonly waitMs: number;
  readonly limit: number;
  /** Fires when the node stops. */
  readonly stopping: AbortSignal;
  /** Where the journal ends. */
  readonly head: () => number;
  readonly clock: Clock;
}

/** Twice as often as clients lose patience with a silent server. */
const POSITION_MS = 5_000;
/** Changes taken at once: what a slow reader has not taken yet is no more than this, and what its socket holds. */
const PIECE = 250;
/** A reader that need not wait still gets so much time to read what lies between it and the end of the journal. */
const MIN_READING_MS = 2_000;

/**
 * Writes changes as they come, at the reader's pace, and at last where to go on. While nothing concerns the reader it is
 * told how far the journal was read: going on from there spares it, and this node, to read that again.
 */
export async function sendChanges(response: ServerResponse, options: SendOptions): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort("the reader went away"));
  const signal = AbortSignal.any([gone.signal, options.stopping]);
  response.writeHead(200, {
    "Content-Type": options.form.contentType,
    "Cache-Control": "no-store",
    Vary: "Accept",
    // nginx would hold back what is not much.
    "X-Accel-Buffering": "no",
  });
  response.flushHeaders();
  const writer = new ChangeWriter(response, gone.signal);
  await writer.write(options.form.opening);
  await follow(writer, options, signal);
  if (gone.signal.aborted) return;
  response.end(formatPosition(options));
}

async function follow(writer: ChangeWriter, options: SendOptions, signal: AbortSignal): Promise<void> {
  const { clock, endsWithFirst, form, limit, reader, waitMs } = options;
  const startMs = clock.monotonic();
  let saidMs = startMs;
  let sent = 0;
  while (!signal.aborted) {
    const { changes } = await reader.next(Math.min(limit - sent, PIECE));
    if (changes.length > 0) await writer.write(changes.map((change) => form.change(change)).join(""));
    sent += changes.length;
    if (changes.length > 0) saidMs = clock.monotonic();
    const leftMs = startMs + waitMs - clock.monotonic();
    const isAtHead = reader.isAtHead;
    if (sent >= limit || (isAtHead && endsWithFirst && sent > 0)) return;
    if (leftMs <= 0 && (isAtHead || clock.monotonic() - startMs > MIN_READING_MS)) return;
    if (clock.monotonic() - saidMs >= POSITION_MS) {
      await writer.write(formatPosition(options));
      saidMs = clock.monotonic();
    }
    if (isAtHead) await reader.wait(Math.max(1, Math.min(leftMs, POSITION_MS)), signal);
    else await nextTurn();
  }
}

function formatPosition({ form, head, reader }: SendOptions): string {
  const { position } = reader;
  return form.position({ position, head: Math.max(position, head()) });
}

/** Writes no faster than the reader reads. */
class ChangeWriter {
  readonly #response: ServerResponse;
  readonly #gone: AbortSignal;

  constructor(response: ServerResponse, gone: AbortSignal) {
    this.#response = response;
    this.#gone = gone;
  }

  async write(text: string): Promise<void> {
    if (text === "" || this.#gone.aborted || this.#response.write(text)) return;
    try {
      await once(this.#response, "drain", { signal: this.#gone });
    } catch (error) {
      // It went away: whoever writes sees it by the signal.
      if (!this.#gone.aborted) throw error;
    }
  }
}
