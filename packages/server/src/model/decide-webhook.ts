import type { ChangeOutcome, DropWebhookChange, SetWebhookChange } from "./change.js";
import type { CommitDraft } from "./commit-draft.js";
import { settingDone } from "./decide-settings.js";
import { refuse } from "./refusal.js";
import { isStorable } from "./storable-text.js";
import { isWebhookUrl, type WebhookSettings } from "./webhook.js";

export function decideSetWebhook(draft: CommitDraft, { webhook }: SetWebhookChange): ChangeOutcome {
  if (!isWebhookUrl(webhook.url)) return refuse("invalid_request", "the URL of a webhook is http or https");
  if (![webhook.id, webhook.url, webhook.prefix].every(isStorable)) {
    return refuse("invalid_request", "this webhook cannot be stored");
  }
  return settingDone(draft, setWebhook(draft, webhook));
}

export function decideDropWebhook(draft: CommitDraft, { id }: DropWebhookChange): ChangeOutcome {
  return settingDone(draft, dropWebhook(draft, id));
}

/** Journals the webhook and enters it; answers the entry's number. */
export function setWebhook(draft: CommitDraft, webhook: WebhookSettings): number {
  const number = draft.append({ kind: "webhook", webhook });
  draft.webhooksToRemove.delete(webhook.id);
  draft.webhooksToPut.set(webhook.id, { ...webhook, number });
  return number;
}

/** Journals that the webhook is gone, and removes it; answers the entry's number. */
export function dropWebhook(draft: CommitDraft, id: string): number {
  const number = draft.append({ kind: "webhook-drop", id });
  draft.webhooksToPut.delete(id);
  draft.webhooksToRemove.add(id);
  return number;
}
