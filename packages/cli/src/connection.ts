import { join } from "node:path";
import { Client, type ClientOptions } from "@koboldfs/client";
import type { Command } from "commander";
import type { CommandContext } from "./command-context.js";
import { findCacheFolder } from "./sync/cache-folder.js";
import { FileUploadMemory } from "./file-upload-memory.js";
import { ConsoleOutput } from "./output/console-output.js";

const DEFAULT_SERVER = "http://127.0.0.1:9876";
/** A person who waits wants to know soon that no server is up. */
const INTERACTIVE_DEADLINE_MS = 5_000;

/** A client has a namespace, even for requests in which none is named. */
const ANY_NAMESPACE = "any";

/** The options that every command with a server has. */
export interface ConnectionOptions {
  readonly server?: string;
  readonly json?: true;
}

/** Adds `--server` and `--json` to a command. */
export function withConnection(command: Command): Command {
  return command
    .option("--server <URLS>", `servers to ask, separated by commas (KOBOLDFS_SERVER; default ${DEFAULT_SERVER})`)
    .option("--json", "print JSON, one document a line");
}

/** What an action works with. */
export interface Run {
  readonly context: CommandContext;
  readonly output: ConsoleOutput;
  /** The client of a namespace; closed after the action. */
  connect(namespace: string, options?: Partial<ClientOptions>): Client;
  /** A client for what belongs to no namespace. */
  connectCluster(): Client;
}

/** Runs an action with an output and clients made from its options, and closes the clients afterwards. */
export async function withRun(
  context: CommandContext,
  options: ConnectionOptions,
  action: (run: Run) => Promise<void>,
): Promise<void> {
  const clients: Client[] = [];
  const connect = (namespace: string, more: Partial<ClientOptions> = {}): Client => {
    const client = new Client(namespace, { ...readConnection(context, options), ...more });
    clients.push(client);
    return client;
  };
  try {
    const output = new ConsoleOutput(context, options.json === true);
    await action({ context, output, connect, connectCluster: () => connect(ANY_NAMESPACE) });
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

function readConnection(context: CommandContext, options: ConnectionOptions): ClientOptions {
  const servers = options.server ?? context.env["KOBOLDFS_SERVER"] ?? DEFAULT_SERVER;
  const token = context.env["KOBOLDFS_TOKEN"];
  return {
    servers: servers.split(",").map((server) => server.trim()),
    ...(token !== undefined && token !== "" && { token }),
    deadlineMs: INTERACTIVE_DEADLINE_MS,
    uploadMemory: new FileUploadMemory(join(findCacheFolder(context.env), "uploads")),
  };
}
