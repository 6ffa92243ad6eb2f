export type { DatabaseEngine, DatabaseServer, DatabaseServerOrSkip } from "./databases/database-server.js";
export { findOrInstallPrograms } from "./machine/debian-programs.js";
export { type GaleraCluster, type GaleraMember, startGalera } from "./databases/galera.js";
export { startMariadb } from "./databases/mariadb.js";
export { type PostgresPair, startPostgresPair } from "./databases/postgres-pair.js";
export { startPostgres } from "./databases/postgres.js";
export type { Skip } from "./machine/skip.js";
export { createTestDatabase, type TestDatabase } from "./databases/test-database.js";
export { findTestServer, getTestPostgres, type TestServer } from "./databases/test-server.js";
