import Database from "libsql";

// Answers queries of an SQLite file as JSON, bytes as { hex }. A process of its own, because libsql ends a session only when
// its last statement is collected: until then it holds the file, and would write an old log over a file that took its place.
const [path = "", ...queries] = process.argv.slice(2);
const database = new Database(path, { timeout: 5000 });
const answers = queries.map((query) => database.prepare(query).all());
process.stdout.write(JSON.stringify(answers, hexOf));

function hexOf(_key: string, value: unknown): unknown {
  if (value instanceof ArrayBuffer) return { hex: Buffer.from(value).toString("hex") };
  return value;
}
