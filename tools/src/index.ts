export type { DatabaseEngine, DatabaseServer, DatabaseServerOrSkip } from "./databases/database-server.js";
export { findOrInstallPrograms } from "./machine/debian-programs.js";
export { startMariadb } from "./databases/mariadb.js";
export { startPostgres } from "./databases/postgres.js";
export type { Skip } from "./machine/skip.js";
export { createTestDatabase, type TestDatabase } from "./databases/test-database.js";
export { findTestServer, getTestPostgres, type TestServer } from "./databases/test-server.js";
