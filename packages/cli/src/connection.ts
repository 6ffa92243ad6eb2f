import { join } from "node:path";
import type { ClientOptions, ClientPool, ClusterClient, NamespaceClient } from "@koboldfs/client";
import type { Command } from "commander";
import type { CommandContext } from "./command-context.js";
import { findCacheFolder } from "./sync/cache-folder.js";
import { FileUploadMemory } from "./file-upload-memory.js";
import { Interrupt } from "./interrupt.js";
import { ConsoleOutput } from "./output/console-output.js";
import { type ClientSettings, DEFAULT_SERVER, resolveClientSettings } from "./settings/client-settings.js";
import { parseServers } from "./settings/parse-servers.js";
import { readProfiles } from "./settings/read-profiles.js";
import { tellWarning } from "./warnings.js";

/** A person who waits wants to know soon that no server is up. */
const INTERACTIVE_DEADLINE_MS = 5_000;

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
  /** The client of a namespace. Those with the same options share their connections, which are closed after the action. */
  connect(namespace: string, options?: Partial<ClientOptions>): NamespaceClient;
  /** A client for what belongs to no namespace. */
  connectCluster(): ClusterClient;
}

/** Runs an action with an output and clients made from its options, and closes their connections afterwards. */
export async function withRun(
  context: CommandContext,
  options: ConnectionOptions,
  action: (run: Run) => Promise<void>,
): Promise<void> {
  const uploadMemory = new FileUploadMemory(join(findCacheFolder(context.env), "uploads"));
  const connection = { ...(await readConnection(context, options)), uploadMemory };
  // Loaded here, and not for help and settings, which talk to nobody.
  const { ClientPool } = await import("@koboldfs/client");
  const pools = new Map<string, ClientPool>();
  const open = (more: Partial<ClientOptions> = {}): ClientPool => {
    const id = JSON.stringify(more);
    const pool = pools.get(id) ?? new ClientPool({ ...connection, ...more });
    pools.set(id, pool);
    return pool;
  };
  try {
    const output = new ConsoleOutput(context, options.json === true);
    const connect: Run["connect"] = (namespace, more) => open(more).client(namespace);
    await action({ context, output, connect, connectCluster: () => open() });
  } catch (failure) {
    if (!(failure instanceof Interrupt) || !uploadMemory.isNeeded) throw failure;
    throw new Interrupt(failure.signal, "The server keeps what was sent: the same command goes on from there.");
  } finally {
    await Promise.all([...pools.values()].map((pool) => pool.close()));
  }
}

async function readConnection(context: CommandContext, options: ConnectionOptions): Promise<ClientOptions> {
  const { env } = context;
  const { profiles, exposure } = await readProfiles(env);
  const settings = resolveClientSettings({ flags: options, env, profiles });
  if (exposure !== undefined) tellWarning(context, exposure, options.json);
  return toClientOptions(settings);
}

function toClientOptions({ server, token }: ClientSettings): ClientOptions {
  return {
    servers: parseServers(server),
    ...(token !== undefined && { token: token.text }),
    deadlineMs: INTERACTIVE_DEADLINE_MS,
  };
}
