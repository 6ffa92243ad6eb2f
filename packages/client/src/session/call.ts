import type { TransportResponse } from "../platform.js";
import { readJson } from "../reply-checks.js";
import type { OperationOptions, Session, SessionRequest } from "./session.js";

export type CallRequest = Omit<SessionRequest, "server" | "signal">;

/** One small request and its answer, at whichever server gives one. */
export function callServer<T>(
  session: Session,
  request: CallRequest,
  read: (response: TransportResponse) => Promise<T>,
  options: OperationOptions,
): Promise<T> {
  const { signal } = options;
  const attempt = async (server: string) => read(await session.exchange({ ...request, server, signal }));
  return session.admit(signal, () => session.run(attempt, session.startBudget(options), signal));
}

/** As `callServer`, for an answer in JSON. `check` throws when it is not what was promised. */
export function callJson<T>(
  session: Session,
  request: CallRequest,
  check: (reply: unknown) => T,
  options: OperationOptions,
): Promise<T> {
  return callServer(session, request, async (response) => check(await readJson(response)), options);
}
