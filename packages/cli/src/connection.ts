import { join } from "node:path";
import { Client, type ClientOptions } from "@koboldfs/client";
import type { Command } from "commander";
import type { CommandContext, EnvironmentVariables } from "./command-context.js";
import { findCacheFolder } from "./sync/cache-folder.js";
import { FileUploadMemory } from "./file-upload-memory.js";
import { ConsoleOutput } from "./output/console-output.js";
import { type ClientSettings, DEFAULT_SERVER, resolveClientSettings } from "./settings/client-settings.js";
import { parseServers } from "./settings/parse-servers.js";
import { readProfiles } from "./settings/read-profiles.js";
import { tellWarning } from "./warnings.js";

/** A person who waits wants to know soon that no server is up. */
const INTERACTIVE_DEADLINE_MS = 5_000;

/** A client has a namespace, even for requests in which none is named. */
const ANY_NAMESPACE = "any";

/** The options that every command with a server has. */
export interface ConnectionOptions {
  readonly server?: string;
  readonly profile?: string;
  readonly json?: true;
}

/** Adds `--server`, `--profile` and `--json` to a command. */
export function withConnection(command: Command): Command {
  return command
    .option("--server <URLS>", `servers to ask, separated by commas (KOBOLDFS_SERVER; default ${DEFAULT_SERVER})`)
    .option("--profile <NAME>", "a profile of your profile file (KOBOLDFS_PROFILE)")
    .option("--json", "print JSON, one document a line");
}

/** What an action works with. */
export interface Run {
  readonly context: CommandContext;
  readonly output: ConsoleOutput;
  /** The client of a namespace, the same one for the same options; closed after the action. */
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
  const connection = await readConnection(context, options);
  const clients = new Map<string, Client>();
  const connect = (namespace: string, more: Partial<ClientOptions> = {}): Client => {
    const id = JSON.stringify([namespace, more]);
    const client = clients.get(id) ?? new Client(namespace, { ...connection, ...more });
    clients.set(id, client);
    return client;
  };
  try {
    const output = new ConsoleOutput(context, options.json === true);
    await action({ context, output, connect, connectCluster: () => connect(ANY_NAMESPACE) });
  } finally {
    await Promise.all([...clients.values()].map((client) => client.close()));
  }
}

async function readConnection(context: CommandContext, options: ConnectionOptions): Promise<ClientOptions> {
  const { env } = context;
  const { profiles, isExposed } = await readProfiles(env);
  const settings = resolveClientSettings({ flags: options, env, profiles });
  if (isExposed) {
    const message = `others can read the token in ${profiles.path}`;
    tellWarning(context, { code: "profile_exposed", message, hint: `Run 'chmod 600 ${profiles.path}'.` }, options.json);
  }
  return toClientOptions(settings, env);
}

function toClientOptions({ server, token }: ClientSettings, env: EnvironmentVariables): ClientOptions {
  return {
    servers: parseServers(server),
    ...(token !== undefined && { token: token.text }),
    deadlineMs: INTERACTIVE_DEADLINE_MS,
    uploadMemory: new FileUploadMemory(join(findCacheFolder(env), "uploads")),
  };
}
