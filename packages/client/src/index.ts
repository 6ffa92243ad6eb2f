export { Client } from "./node/client.js";
export { ClientPool } from "./node/client-pool.js";
export { TransactionalClientPool, type TransactionalClientPoolOptions } from "./node/transactional-client-pool.js";
export { findPartOwner, formatPartName, isPartName } from "./node/file-sink.js";
export * from "./public.js";
