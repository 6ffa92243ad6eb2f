import type { CommandMaker } from "./command-maker.js";

/** A command whose module is loaded when it is wanted: one run needs one of them, and loading all takes longer than most. */
export interface CommandEntry {
  readonly name: string;
  /** It is about the other commands, and needs them all. */
  readonly needsAll?: true;
  load(): Promise<CommandMaker>;
}

/** Every command, in the order in which the help shows them. */
export const COMMAND_TABLE: readonly CommandEntry[] = [
  { name: "demo", load: async () => (await import("./demo/demo-command.js")).makeDemoCommand },
  { name: "serve", load: async () => (await import("./serve/serve-command.js")).makeServeCommand },
  { name: "put", load: async () => (await import("./commands/put.js")).makePutCommand },
  { name: "get", load: async () => (await import("./commands/get.js")).makeGetCommand },
  { name: "cat", load: async () => (await import("./commands/cat.js")).makeCatCommand },
  { name: "ls", load: async () => (await import("./commands/ls.js")).makeLsCommand },
  { name: "stat", load: async () => (await import("./commands/stat.js")).makeStatCommand },
  { name: "url", load: async () => (await import("./commands/url.js")).makeUrlCommand },
  { name: "cp", load: async () => (await import("./commands/cp.js")).makeCpCommand },
  { name: "mv", load: async () => (await import("./commands/mv.js")).makeMvCommand },
  { name: "rm", load: async () => (await import("./commands/rm.js")).makeRmCommand },
  { name: "versions", load: async () => (await import("./commands/versions.js")).makeVersionsCommand },
  { name: "undelete", load: async () => (await import("./commands/undelete.js")).makeUndeleteCommand },
  { name: "restore", load: async () => (await import("./commands/restore.js")).makeRestoreCommand },
  { name: "purge", load: async () => (await import("./commands/purge.js")).makePurgeCommand },
  { name: "watch", load: async () => (await import("./commands/watch.js")).makeWatchCommand },
  { name: "sync", load: async () => (await import("./commands/sync.js")).makeSyncCommand },
  { name: "export", load: async () => (await import("./commands/export.js")).makeExportCommand },
  { name: "namespace", load: async () => (await import("./commands/namespace.js")).makeNamespaceCommand },
  { name: "node", load: async () => (await import("./commands/node.js")).makeNodeCommand },
  { name: "scrub", load: async () => (await import("./commands/scrub.js")).makeScrubCommand },
  { name: "catalog", load: async () => (await import("./commands/catalog.js")).makeCatalogCommand },
  { name: "webhook", load: async () => (await import("./commands/webhook.js")).makeWebhookCommand },
  { name: "transaction", load: async () => (await import("./commands/transaction.js")).makeTransactionCommand },
  { name: "status", load: async () => (await import("./commands/status.js")).makeStatusCommand },
  {
    name: "web-server",
    load: async () => (await import("./serve/web-server/web-server-command.js")).makeWebServerCommand,
  },
  { name: "config", load: async () => (await import("./commands/config.js")).makeConfigCommand },
  {
    name: "completion",
    needsAll: true,
    load: async () => (await import("./commands/completion.js")).makeCompletionCommand,
  },
];

/** Commands for scripts and generators, which help does not show. */
export const HIDDEN_COMMANDS: readonly CommandEntry[] = [
  { name: "__complete", load: async () => (await import("./commands/hidden.js")).makeCompleteCommand },
  { name: "__commands", needsAll: true, load: async () => (await import("./commands/hidden.js")).makeCommandsCommand },
];
