import { appendFile, chmod, cp, writeFile } from "node:fs/promises";
import pg from "pg";
import { preparePostgresBinaries } from "./postgres-binaries.js";
import {
  chownAll,
  createServerFolder,
  removeFolder,
  runToEnd,
  ServerProcess,
  startOnFreePort,
} from "./server-process.js";
import { findUnprivilegedUser } from "./unprivileged-user.js";

const USER = "koboldfs";
const SMALL = ["shared_buffers=32MB", "max_connections=100", "max_wal_size=256MB", "wal_keep_size=128MB"];

/** A primary and its standby, as an operator sets them up; both as durable as PostgreSQL ships. */
export interface PostgresPair {
  readonly primary: PostgresServer;
  readonly standby: PostgresServer;
  /** What nodes take as `dsn`: both hosts, the primary first. */
  readonly dsn: string;
  /** From now on the standby gets nothing: what is committed is on the primary alone. Only where it is asynchronous. */
  cutReplication(): Promise<void>;
  promoteStandby(): Promise<void>;
  /** Ends both and removes everything they wrote. */
  stop(): Promise<void>;
}

export interface PostgresServer {
  /** Of the catalog's database. */
  readonly url: string;
  /** As a machine that loses power: nothing is flushed, nobody is told. */
  kill(): Promise<void>;
  /** Starts it again on what is on its disk; it is what it was. */
  restart(): Promise<void>;
}

/** `synchronous`: the primary acknowledges no commit before the standby has it on its disk. */
export async function startPostgresPair({ synchronous }: { synchronous: boolean }): Promise<PostgresPair> {
  const user = findUnprivilegedUser();
  const folder = await createServerFolder("postgres-pair", user);
  const servers: RunningServer[] = [];
  const stop = async () => {
    for (const server of servers) await server.kill();
    await removeFolder(folder);
  };
  try {
    const binaries = await preparePostgresBinaries(folder, user !== undefined);
    const start = async (data: string): Promise<RunningServer> => {
      const server = await startOnFreePort(async (port) => {
        const started = new RunningServer({ file: binaries.postgres, folder, user, data, port });
        await started.restart();
        return started;
      });
      servers.push(server);
      return server;
    };
    const [first, second] = [`${folder}/primary`, `${folder}/standby`];
    const initdb = [
      `--pgdata=${first}`,
      `--username=${USER}`,
      "--auth=trust",
      "--no-sync",
      "--encoding=UTF8",
      "--locale=C",
    ];
    await runToEnd({ file: binaries.initdb, args: initdb, folder, user });
    // A database that never ran is a base backup of itself: the package has no pg_basebackup.
    await cp(first, second, { recursive: true });
    const primary = await start(first);
    await writeFile(`${second}/standby.signal`, "");
    const conninfo = `host=127.0.0.1 port=${primary.port} user=${USER} application_name=standby`;
    await appendFile(`${second}/postgresql.conf`, `\nprimary_conninfo = '${conninfo}'\n`);
    await chownAll(second, user);
    await chmod(second, 0o700);
    const standby = await start(second);
    await waitUntilStreaming(primary);
    if (synchronous)
      await primary.run("alter system set synchronous_standby_names = 'standby'", "select pg_reload_conf()");
    await primary.run(`create database catalog`);
    const hosts = servers.map(({ port }) => `127.0.0.1:${port}`).join(",");
    return {
      ...{ primary, standby, stop },
      dsn: `postgres://${USER}:koboldfs@${hosts}/catalog`,
      cutReplication: async () =>
        void (await standby.run("alter system set primary_conninfo = ''", "select pg_reload_conf()")),
      promoteStandby: async () => void (await standby.run("select pg_promote()")),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface ServerPlace {
  readonly file: string;
  readonly folder: string;
  readonly user: ReturnType<typeof findUnprivilegedUser>;
  readonly data: string;
  readonly port: number;
}

class RunningServer implements PostgresServer {
  readonly port: number;
  readonly #place: ServerPlace;
  #child: ServerProcess | undefined;

  constructor(place: ServerPlace) {
    this.#place = place;
    this.port = place.port;
  }

  get url(): string {
    return this.#urlOf("catalog");
  }

  async kill(): Promise<void> {
    // PostgreSQL's immediate stop, which takes its children with it and flushes nothing.
    await this.#child?.stop("SIGQUIT");
    this.#child = undefined;
  }

  async restart(): Promise<void> {
    const { file, folder, user, data, port } = this.#place;
    const settings = [...SMALL, `port=${port}`, "listen_addresses=127.0.0.1", `unix_socket_directories=${folder}`];
    const args = ["-D", data, ...settings.flatMap((setting) => ["-c", setting])];
    const child = new ServerProcess({ file, args, folder, user });
    this.#child = child;
    await child.waitUntilReady(async () => void (await this.run("select 1")));
  }

  async run(...statements: string[]): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: this.#urlOf("postgres") });
    await client.connect();
    try {
      let rows: Record<string, unknown>[] = [];
      for (const statement of statements) ({ rows } = await client.query<Record<string, unknown>>(statement));
      return rows;
    } finally {
      await client.end();
    }
  }

  #urlOf(database: string): string {
    return `postgres://${USER}:koboldfs@127.0.0.1:${this.port}/${database}`;
  }
}

const STREAMING_TIMEOUT_MS = 30_000;

async function waitUntilStreaming(primary: RunningServer): Promise<void> {
  const deadline = performance.now() + STREAMING_TIMEOUT_MS;
  while (performance.now() < deadline) {
    const rows = await primary.run("select 1 from pg_stat_replication where state = 'streaming'");
    if (rows.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("the standby does not follow the primary");
}
