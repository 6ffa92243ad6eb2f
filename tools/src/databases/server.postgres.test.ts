import pg from "pg";
import { expect, it } from "vitest";
import { getTestPostgres } from "./test-server.js";

const server = await getTestPostgres();

it("provides a PostgreSQL that loses no commit and does not sort by bytes unless told to", async () => {
  const database = await server.createDatabase();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const show = async (setting: string) => Object.values((await client.query(`show ${setting}`)).rows[0])[0];
  expect(await show("fsync")).toBe("on");
  expect(await show("synchronous_commit")).toBe("on");
  expect(await show("full_page_writes")).toBe("on");
  const sorted = await client.query("select key from (values ('B'), ('a'), ('é'), ('f')) as t(key) order by key");
  expect(sorted.rows.map((row) => row.key)).toEqual(["a", "B", "é", "f"]);
  await client.end();
  await database.drop();
});
