import type { ChangeInfo, ChangePosition } from "@koboldfs/protocol";
import type { ChangesOptions } from "./client-options.js";
import type { TransportResponse } from "./platform.js";
import { checkChangeLine } from "./reply-checks.js";
import { AttemptFailure } from "./session/attempt-failure.js";
import type { Session } from "./session/session.js";

/** Long enough that a quiet namespace costs a request or two a minute, short enough for proxies that cut silent lines. */
const WAIT_SECONDS = 30;
/** Changes in one answer, all held in memory: with the longest keys and metadata 6 MB. */
const PAGE_CHANGES = 500;
const MAX_PAGE_BYTES = 64 * 1024 * 1024;
/** A server says every five seconds where it stands. */
const MIN_IDLE_MS = 12_000;

interface ChangesPage {
  readonly changes: readonly ChangeInfo[];
  readonly position: number;
}

/**
 * Changes in the order of their commits, without end: one request after the other, each beginning where the one before
 * ended, at whichever server answers. What an answer that broke off had brought is asked for again.
 */
export async function* followChanges(
  session: Session,
  { after, prefix = "", onPosition, ...options }: ChangesOptions,
  namespace?: string,
): AsyncGenerator<ChangeInfo> {
  const filter = [
    ...(namespace === undefined ? [] : [`namespace=${encodeURIComponent(namespace)}`]),
    ...(prefix === "" ? [] : [`prefix=${encodeURIComponent(prefix)}`]),
  ];
  const ask = (query: readonly string[]) => {
    const path = `/v1/changes?${[...filter, ...query].join("&")}`;
    const { closing } = session;
    const signal = options.signal === undefined ? closing : AbortSignal.any([options.signal, closing]);
    const request = { method: "GET" as const, path, idleTimeoutMs: MIN_IDLE_MS };
    // Without a place among the running operations: it would be kept while nothing runs.
    return session.callWithin(request, readPage, { ...options, signal });
  };
  let position = after ?? (await ask([])).position;
  onPosition?.(position);
  for (;;) {
    const page = await ask([`after=${position}`, `wait=${WAIT_SECONDS}s`, `limit=${PAGE_CHANGES}`]);
    for (const change of page.changes) yield change;
    position = page.position;
    onPosition?.(position);
  }
}

async function readPage(response: TransportResponse): Promise<ChangesPage> {
  const text = new TextDecoder().decode(await response.readBytes(MAX_PAGE_BYTES));
  const lines = text.split("\n").filter((line) => line !== "");
  const documents = lines.map((line) => checkChangeLine(parseLine(line)));
  const last = documents.at(-1);
  if (last === undefined || !isPosition(last)) {
    throw AttemptFailure.invalidResponse("the server's changes do not end with a position");
  }
  const changes = documents.filter((line): line is ChangeInfo => !isPosition(line));
  return { changes, position: last.position };
}

function isPosition(line: ChangeInfo | ChangePosition): line is ChangePosition {
  return "position" in line;
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    throw AttemptFailure.invalidResponse("a line of the server's changes is not JSON");
  }
}
