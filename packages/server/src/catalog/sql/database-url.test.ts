import { describe, expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.js";
import { silentLogger } from "../../runtime/logger.js";
import { parseDatabaseUrl } from "./database-url.js";
import { openSqlCatalog } from "./open-sql-catalog.js";

describe("parseDatabaseUrl", () => {
  it("reads hosts in their order, the login percent-decoded, and how to encrypt", () => {
    expect(parseDatabaseUrl("postgres://us%40er:p%3Aw:x@one:5433,two,[::1]:7/my%20db?sslmode=require")).toEqual({
      hosts: [
        { host: "one", port: 5433 },
        { host: "two", port: undefined },
        { host: "::1", port: 7 },
      ],
      ...{ user: "us@er", password: "p:w:x", database: "my db", sslMode: "require" },
    });
    expect(parseDatabaseUrl("mysql://localhost/db")).toMatchObject({
      user: undefined,
      password: undefined,
      sslMode: "disable",
    });
  });

  it("refuses what it does not understand as config_invalid, and never shows a password", () => {
    const bad = [
      "postgres:",
      "postgres://h",
      "postgres://h/",
      "postgres://h:x/d",
      "postgres://u:%zz@h/d",
      "mysql://u:secret@h/d?x=1",
      "mysql://u:secret@h/d?sslmode=maybe",
    ];
    for (const dsn of bad) {
      expect(() => parseDatabaseUrl(dsn)).toThrow(expect.objectContaining({ code: "config_invalid" }));
      expect(() => parseDatabaseUrl(dsn)).not.toThrow(/secret/);
    }
  });
});

describe("openSqlCatalog", () => {
  it.each(["", "nonsense", "oracle://h/d", "sqlite:", "sqlite::memory:", "sqlite://relative", "postgres:/path"])(
    "refuses the dsn '%s' as config_invalid",
    async (dsn) => {
      const opening = openSqlCatalog({ dsn, logger: silentLogger, clock: systemClock });
      await expect(opening).rejects.toMatchObject({ code: "config_invalid" });
    },
  );

  it.each(["postgres://u:p@127.0.0.1:1/d", "mysql://u:p@127.0.0.1:1/d"])(
    "says catalog_unavailable when nobody answers at %s",
    async (dsn) => {
      const opening = openSqlCatalog({ dsn, logger: silentLogger, clock: systemClock });
      await expect(opening).rejects.toMatchObject({ code: "catalog_unavailable" });
    },
  );
});
