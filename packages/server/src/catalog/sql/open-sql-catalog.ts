import { KoboldError } from "@koboldfs/protocol";
import type { Catalog } from "../catalog.js";
import { loadNetworkEngine } from "./load-network-engine.js";
import { openNetworkCatalog } from "./open-network-catalog.js";
import type { SqlCatalogOptions } from "./sql-catalog-options.js";
import { openSqliteCatalog } from "./sqlite/open-sqlite-catalog.js";

/**
 * Opens the catalog that the dsn names and brings its schema up to date; the database itself must exist, but for
 * SQLite. Throws `config_invalid`, `catalog_unavailable`, `catalog_not_durable`, `catalog_schema_unknown`.
 */
export async function openSqlCatalog(options: SqlCatalogOptions): Promise<Catalog> {
  const { dsn } = options;
  const scheme = schemeOf(dsn);
  if (scheme === "sqlite") return openSqliteCatalog(parseSqlitePath(dsn), options);
  return openNetworkCatalog(await loadNetworkEngine(scheme, dsn), options);
}

/** Which protocol the dsn speaks. Throws `config_invalid`. */
export function schemeOf(dsn: string): "mysql" | "postgres" | "sqlite" {
  const scheme = dsn.slice(0, dsn.indexOf(":"));
  switch (scheme) {
    case "mariadb":
    case "mysql":
      return "mysql";
    case "postgres":
    case "postgresql":
      return "postgres";
    case "sqlite":
      return "sqlite";
    default:
      throw new KoboldError("config_invalid", `dsn must begin with sqlite:, postgres:// or mysql://, not "${scheme}"`);
  }
}

/** Accepts `sqlite:relative/path`, `sqlite:/absolute` and `sqlite:///absolute`. */
export function parseSqlitePath(dsn: string): string {
  const path = dsn.slice("sqlite:".length).replace(/^\/\/(?=\/)/, "");
  if (path === "" || path.startsWith("//")) throw new KoboldError("config_invalid", `no path in the dsn ${dsn}`);
  // What lives in memory is seen by one session only; the writing thread is another one.
  if (path === ":memory:") throw new KoboldError("config_invalid", "the catalog must be a file");
  return path;
}
