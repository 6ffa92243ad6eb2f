/** The client for web pages and workers: the same methods over what browsers have. */
export { Client } from "./client.js";
export { ClientPool } from "./client-pool.js";
export * from "../public.js";
