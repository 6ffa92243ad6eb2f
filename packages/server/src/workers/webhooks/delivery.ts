import type { WebhookMessage } from "@koboldfs/protocol";
import { signWebhook } from "../../auth/webhook-signature.js";
import type { WebhookCatalog, WebhookRecord } from "../../catalog/catalog.js";
import type { ChangeFeed, ChangePage, ChangeReader } from "../../mirror/changes/change-feed.js";
import { type ChangeFilter, toChangeInfo } from "../../model/noted-change.js";
import type { PlacedProgress } from "../../model/placed-progress.js";
import type { Clock } from "../../runtime/clock.js";
import type { Logger } from "../../runtime/logger.js";
import type { WebhookSender } from "./webhook-sender.js";

export interface DeliveryOptions {
  readonly catalog: Pick<WebhookCatalog, "noteWebhookProgress">;
  readonly feed: Pick<ChangeFeed, "open" | "findGap" | "findPoint" | "forks">;
  readonly secretOf: (id: string) => string;
  readonly send: WebhookSender;
  /** Whether this node is the one that delivers, for as long as an attempt may take. */
  readonly mayDeliver: () => boolean;
  readonly clock: Clock;
  /** Answers numbers in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

/** A receiver that thinks longer should answer first and think afterwards. */
export const ATTEMPT_MS = 8_000;
/** Changes in one message: a receiver works off many as quickly as one, and none has to take megabytes. */
const MAX_CHANGES = 100;
const FIRST_PAUSE_MS = 1_000;
/** A receiver that was repaired after a night hears of it within minutes. */
const LONGEST_PAUSE_MS = 5 * 60_000;
/** How often is looked at whether this node still delivers, while nothing comes. */
const WAIT_MS = 2_000;
/** While nothing concerns the webhook, its place is noted after so many numbers, or so long. */
const NOTE_NUMBERS = 1_000;
const NOTE_MS = 30_000;
const MAX_ERROR_LENGTH = 200;

/** Delivers to one webhook, in order, each message until it is taken, for as long as this node is the one to do it. */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #webhook: WebhookRecord;
  readonly #filter: ChangeFilter;
  #position: number;
  /** How often numbers had been given out anew in the history that the position is of. */
  #forks: number;
  #notedPosition: number;
  #notedMs: number;
  #failures: number;
  #deliveredMs: number | undefined;

  constructor(options: DeliveryOptions, webhook: WebhookRecord, forks: number) {
    this.#options = options;
    this.#webhook = webhook;
    const { namespace, prefix, position, failures, deliveredMs } = webhook;
    this.#filter = { ...(namespace !== undefined && { namespace }), prefix };
    this.#position = position;
    this.#forks = forks;
    this.#notedPosition = position;
    this.#notedMs = options.clock.monotonic();
    this.#failures = failures;
    this.#deliveredMs = deliveredMs;
  }

  /** Ends when the signal fires. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, random } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#follow(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#failures += 1;
        const said = describe(error);
        log.debug({ webhook: this.#webhook.id, failures: this.#failures, said }, "a webhook did not take its message");
        // What is not noted now is noted with the next failure, or success.
        await this.#note(said).catch(() => undefined);
        const longestMs = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(this.#failures - 1, 16), LONGEST_PAUSE_MS);
        await clock.sleep(longestMs * (0.5 + random() / 2), signal);
      }
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const reader = await this.#open(signal);
    while (!signal.aborted) {
      if (this.#options.mayDeliver()) {
        const page = await reader.next(MAX_CHANGES);
        await this.#deliver(page, { forks: reader.forks, signal });
        if (!reader.isAtHead) continue;
      }
      await reader.wait(WAIT_MS, signal);
      if (!this.#options.mayDeliver()) await this.#options.clock.sleep(WAIT_MS, signal);
    }
  }

  /** Where the webhook is, which a fork may have changed meanwhile; when not all is known any more that followed, it is told so first. */
  async #open(signal: AbortSignal): Promise<ChangeReader> {
    const { feed } = this.#options;
    const { count, last } = feed.forks;
    if (count !== this.#forks) this.#position = Math.min(this.#position, last);
    this.#forks = count;
    const gap = await feed.findGap(this.#filter, this.#position);
    if (gap !== undefined) {
      const after = this.#position;
      const message = { kind: "gap", webhook: this.#webhook.id, code: "changes_gone", after, position: gap } as const;
      await this.#post(message, signal);
      await this.#moveTo(gap, count);
    }
    return feed.open(this.#filter, this.#position, count);
  }

  async #deliver(
    { changes, position }: ChangePage,
    { forks, signal }: { forks: number; signal: AbortSignal },
  ): Promise<void> {
    if (changes.length > 0) {
      const infos = changes.map(toChangeInfo);
      await this.#post({ kind: "changes", webhook: this.#webhook.id, changes: infos, position }, signal);
      return this.#moveTo(position, forks);
    }
    this.#position = position;
    this.#forks = forks;
    const isFar = position - this.#notedPosition >= NOTE_NUMBERS;
    const isLate = position > this.#notedPosition && this.#options.clock.monotonic() - this.#notedMs >= NOTE_MS;
    if (isFar || isLate || this.#failures > 0) await this.#noteSuccess();
  }

  async #post(message: WebhookMessage, signal: AbortSignal): Promise<void> {
    const { clock, mayDeliver, secretOf, send } = this.#options;
    if (!mayDeliver()) throw new Error("another node delivers now");
    const { id, url } = this.#webhook;
    const body = JSON.stringify(message);
    const timestamp = Math.floor(clock.now() / 1000);
    const signed = signWebhook(secretOf(id), { id: `${id}-${this.#position}-${message.position}`, timestamp, body });
    const attempt = AbortSignal.any([signal, AbortSignal.timeout(ATTEMPT_MS)]);
    const headers = { "content-type": "application/json", "user-agent": "KoboldFS", ...signed };
    const status = await send({ url, headers, body, signal: attempt });
    if (status < 200 || status > 299) throw new Error(`it answered ${status}`);
  }

  /** Delivered: whoever dies before this is noted delivers once more. */
  async #moveTo(position: number, forks: number): Promise<void> {
    this.#position = position;
    this.#forks = forks;
    this.#deliveredMs = this.#options.clock.now();
    await this.#noteSuccess();
  }

  async #noteSuccess(): Promise<void> {
    this.#failures = 0;
    await this.#note();
  }

  /** Not where it is in a history that is over: whoever read that there would pass over what got the same numbers. */
  async #note(error?: string): Promise<void> {
    const { catalog, feed } = this.#options;
    const at = await feed.findPoint(this.#position);
    if (at === undefined || feed.forks.count !== this.#forks) return;
    const progress: PlacedProgress = {
      at,
      ...{ id: this.#webhook.id, position: this.#position, failures: this.#failures },
      ...(error !== undefined && { error }),
      ...(this.#deliveredMs !== undefined && { deliveredMs: this.#deliveredMs }),
    };
    await catalog.noteWebhookProgress(progress);
    this.#notedPosition = this.#position;
    this.#notedMs = this.#options.clock.monotonic();
  }
}

function describe(error: unknown): string {
  const said = error instanceof Error ? error.message || error.name : String(error);
  return said.slice(0, MAX_ERROR_LENGTH).replaceAll("\0", "");
}
