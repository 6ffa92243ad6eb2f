import mysql from "mysql2/promise";
import { describe, expect, it } from "vitest";
import { findTestServer } from "./test-server.js";

const server = await findTestServer("mariadb");

describe.skipIf("skip" in server)(`MariaDB${"skip" in server ? `: ${server.skip}` : ""}`, () => {
  it("provides a MariaDB that loses no commit", async () => {
    if ("skip" in server) throw new Error(server.skip);
    const database = await server.createDatabase();
    const connection = await mysql.createConnection(database.url);
    const [rows] = await connection.query(
      "select @@innodb_flush_log_at_trx_commit as flush, @@innodb_doublewrite as twice",
    );
    expect(rows).toEqual([{ flush: 1, twice: 1 }]);
    await connection.end();
    await database.drop();
  });
});
