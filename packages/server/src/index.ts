export { createNodeLogger, type LogDestination } from "./app/node-logger.js";
export { type RunningNode, type StartOptions, startNode } from "./app/start-node.js";
export { type ConfigInput, type LoadedConfig, loadConfig } from "./config/load-config.js";
export type { NodeConfig } from "./config/node-config.js";
export type { Logger } from "./runtime/logger.js";
export { silentLogger } from "./runtime/logger.js";
