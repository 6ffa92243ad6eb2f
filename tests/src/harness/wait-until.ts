import { setTimeout as sleep } from "node:timers/promises";

export interface WaitOptions {
  readonly timeoutMs?: number;
  readonly pollMs?: number;
}

/** A stuck cluster shall fail its test with a clear message before vitest's own timeout ends it without one. */
const DEFAULT_TIMEOUT_MS = 60_000;
const DEFAULT_POLL_MS = 50;

/**
 * Asks `probe` again and again until it answers something other than undefined or false, and answers that.
 * A probe that throws counts as "not yet"; its last error is the cause of the timeout.
 */
export async function waitUntil<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  options: WaitOptions = {},
): Promise<T> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const deadline = performance.now() + timeoutMs;
  let lastError: unknown;
  while (performance.now() < deadline) {
    try {
      const answer = await probe();
      if (answer !== undefined && answer !== false) return answer;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    await sleep(options.pollMs ?? DEFAULT_POLL_MS);
  }
  throw new Error(`waited ${timeoutMs} ms in vain until ${what}`, { cause: lastError });
}
