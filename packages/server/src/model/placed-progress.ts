import type { JournalPoint } from "./journal-history.js";
import type { WebhookProgress } from "./webhook.js";

/**
 * Where a webhook is, as it is noted: with a point of the history that its position is of, at or behind that. After a
 * failover another history may have given out the same numbers.
 */
export interface PlacedProgress extends WebhookProgress {
  readonly at: JournalPoint;
}
