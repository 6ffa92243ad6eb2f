import type { NamespaceName } from "@koboldfs/protocol";
import type { Selectable } from "kysely";
import type { PlacedProgress } from "../../../model/placed-progress.js";
import type { WebhookProgress, WebhookRow } from "../../../model/webhook.js";
import { toInteger, toText } from "../column-values.js";
import type { CatalogKysely, SqlDialect } from "../dialect.js";
import { orUpdate } from "../insert-or-update.js";
import { prepareQuery, prepareRows } from "../prepared-query.js";
import type { WebhooksTable } from "../schema.js";

type StoredWebhook = Selectable<WebhooksTable>;

const SETTING_COLUMNS = ["url", "namespace", "prefix"] as const;
const PROGRESS_COLUMNS = ["position", "failures", "error", "delivered_ms"] as const;
const COLUMNS = ["id", ...SETTING_COLUMNS, ...PROGRESS_COLUMNS] as const;

export function createWebhookQueries(db: CatalogKysely, dialect: SqlDialect) {
  const put = prepareRows<ReturnType<typeof formatWebhookRow>, unknown>("put_webhooks", COLUMNS, (rows) =>
    // Who is known already stays where it is.
    orUpdate(dialect, db.insertInto("webhooks").values(rows), { key: ["id"], update: SETTING_COLUMNS }),
  );
  const remove = prepareRows<{ id: string }, unknown>("remove_webhooks", ["id"], (rows) =>
    db.deleteFrom("webhooks").where(
      "id",
      "in",
      rows.map(({ id }) => id),
    ),
  );
  return {
    list: prepareQuery<object, StoredWebhook>("list_webhooks", () =>
      db.selectFrom("webhooks").select(COLUMNS).orderBy("id"),
    ),
    put: (webhooks: readonly WebhookRow[]) => put(webhooks.map(formatWebhookRow)),
    remove: (ids: readonly string[]) => remove(ids.map((id) => ({ id }))),
    /** A node that lost its lease without noticing takes nothing back, and one whose history is another moves nothing on. */
    noteProgress: prepareQuery<ReturnType<typeof formatPlacedProgress>, unknown>("note_webhook_progress", (slot) =>
      db
        .updateTable("webhooks")
        .set({
          position: slot("position"),
          failures: slot("failures"),
          error: slot("error"),
          delivered_ms: slot("delivered_ms"),
        })
        .where("id", "=", slot("id"))
        .where("position", "<=", slot("position"))
        .where((eb) =>
          eb.exists(
            eb
              .selectFrom("journal_groups")
              .select("last")
              .where("last", "=", slot("at_number"))
              .where("hash", "=", slot("at_hash")),
          ),
        ),
    ),
  };
}

function formatWebhookRow({ id, url, namespace, prefix, number }: WebhookRow) {
  const progress = formatProgress({ id, position: number, failures: 0 });
  return { ...progress, url, namespace: (namespace ?? null) as string | null, prefix };
}

function formatProgress({ id, position, failures, error, deliveredMs }: WebhookProgress) {
  return { id, position, failures, error: error ?? null, delivered_ms: deliveredMs ?? null };
}

export function formatPlacedProgress({ at, ...progress }: PlacedProgress) {
  return { ...formatProgress(progress), at_number: at.number, at_hash: Buffer.from(at.hash, "hex") as Uint8Array };
}

export function parseWebhookRow(row: StoredWebhook) {
  return {
    id: toText(row.id),
    url: toText(row.url),
    ...(row.namespace !== null && { namespace: toText(row.namespace) as NamespaceName }),
    prefix: toText(row.prefix),
    position: toInteger(row.position),
    failures: toInteger(row.failures),
    ...(row.error !== null && { error: toText(row.error) }),
    ...(row.delivered_ms !== null && { deliveredMs: toInteger(row.delivered_ms) }),
  };
}
