import type { NamespaceInfo, NamespaceName } from "@koboldfs/protocol";
import type { Selectable } from "kysely";
import type { NamespaceRow } from "../../../model/commit-view.js";
import { toBigInt, toInteger, toText } from "../column-values.js";
import type { CatalogKysely, SqlDialect } from "../dialect.js";
import { orUpdate } from "../insert-or-update.js";
import { givingOneEach, prepareQuery, prepareRows } from "../prepared-query.js";
import type { NamespacesTable } from "../schema.js";

type StoredNamespace = Selectable<NamespacesTable>;

const POLICY_COLUMNS = [
  "min_copies",
  "url_template",
  "retention_ms",
  "expire_after_ms",
  "max_files",
  "max_bytes",
] as const;
const UPDATED_COLUMNS = [...POLICY_COLUMNS, "files", "bytes", "horizon"] as const;
const COLUMNS = ["name", ...UPDATED_COLUMNS, "created_ms"] as const;

export function createNamespaceQueries(db: CatalogKysely, dialect: SqlDialect) {
  const find = givingOneEach(
    prepareRows<{ name: string }, StoredNamespace>("find_namespaces", ["name"], (rows) =>
      db.selectFrom("namespaces").select(COLUMNS).where("name", "in", listNames(rows)),
    ),
  );
  const put = prepareRows<ReturnType<typeof formatNamespaceRow>, unknown>("put_namespaces", COLUMNS, (rows) =>
    orUpdate(dialect, db.insertInto("namespaces").values(rows), { key: ["name"], update: UPDATED_COLUMNS }),
  );
  const remove = prepareRows<{ name: string }, unknown>("remove_namespaces", ["name"], (rows) =>
    db.deleteFrom("namespaces").where("name", "in", listNames(rows)),
  );
  return {
    find: (names: readonly NamespaceName[]) => find(names.map((name) => ({ name }))),
    list: prepareQuery<object, StoredNamespace>("list_namespaces", () =>
      db.selectFrom("namespaces").select(COLUMNS).orderBy("name"),
    ),
    put: (namespaces: readonly NamespaceRow[]) => put(namespaces.map(formatNamespaceRow)),
    remove: (names: readonly NamespaceName[]) => remove(names.map((name) => ({ name }))),
  };
}

function listNames(rows: readonly { name: string }[]): string[] {
  return rows.map((row) => row.name);
}

function formatNamespaceRow(namespace: NamespaceRow) {
  return {
    name: namespace.name as string,
    min_copies: namespace.policy.minCopies,
    url_template: namespace.policy.urlTemplate ?? null,
    files: namespace.files,
    bytes: namespace.bytes,
    created_ms: namespace.createdMs,
    ...{ retention_ms: namespace.policy.retentionMs ?? null, expire_after_ms: namespace.policy.expireAfterMs ?? null },
    ...{ max_files: namespace.policy.maxFiles ?? null, max_bytes: namespace.policy.maxBytes ?? null },
    horizon: namespace.horizon,
  };
}

export function parseNamespaceRow(row: StoredNamespace): NamespaceRow {
  return {
    name: toText(row.name) as NamespaceName,
    policy: {
      minCopies: toInteger(row.min_copies),
      ...(row.url_template !== null && { urlTemplate: toText(row.url_template) }),
      ...(row.retention_ms !== null && { retentionMs: toInteger(row.retention_ms) }),
      ...(row.expire_after_ms !== null && { expireAfterMs: toInteger(row.expire_after_ms) }),
      ...(row.max_files !== null && { maxFiles: toInteger(row.max_files) }),
      ...(row.max_bytes !== null && { maxBytes: toInteger(row.max_bytes) }),
    },
    files: toInteger(row.files),
    bytes: toBigInt(row.bytes),
    createdMs: toInteger(row.created_ms),
    horizon: toInteger(row.horizon ?? 0),
  };
}

/** What is told of a namespace. */
export function formatNamespaceInfo(row: NamespaceRow): NamespaceInfo {
  const { name, policy, files, bytes, createdMs } = row;
  return { name, ...policy, files, bytes: bytes.toString(), created: new Date(createdMs).toISOString() };
}
