import pg from "pg";
import type { DatabaseServer } from "./database-server.js";
import { preparePostgresBinaries } from "./postgres-binaries.js";
import { createServerFolder, removeFolder, runToEnd, ServerProcess, startOnFreePort } from "./server-process.js";
import { findUnprivilegedUser } from "./unprivileged-user.js";

const USER = "koboldfs";

/** Small, because several tests' clusters and the server share one machine. Durability stays as PostgreSQL ships it. */
const SMALL = [
  "shared_buffers=32MB",
  "max_connections=300",
  "max_wal_size=256MB",
  "autovacuum=on",
  "max_prepared_transactions=20",
];

/**
 * Starts a PostgreSQL of our own on a free port of 127.0.0.1; needs nothing installed, runs as root too. Its data lie
 * in a new folder inside `parent`, by default the system's temp folder.
 */
export async function startPostgres(parent?: string): Promise<DatabaseServer & { readonly pid: number }> {
  const user = findUnprivilegedUser();
  const folder = await createServerFolder("postgres", user, parent);
  try {
    const binaries = await preparePostgresBinaries(folder, user !== undefined);
    const data = `${folder}/data`;
    // ICU with English rules on purpose: a listing that forgets `COLLATE "C"` comes out in the wrong order here.
    const rules = ["--encoding=UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=en-US"];
    const initdb = [`--pgdata=${data}`, `--username=${USER}`, "--auth=trust", "--no-sync", ...rules];
    await runToEnd({ file: binaries.initdb, args: initdb, folder, user });
    return await startOnFreePort(async (port) => {
      const settings = [...SMALL, `port=${port}`, "listen_addresses=127.0.0.1", `unix_socket_directories=${folder}`];
      const args = ["-D", data, ...settings.flatMap((setting) => ["-c", setting])];
      const child = new ServerProcess({ file: binaries.postgres, args, folder, user });
      const url = `postgres://${USER}:koboldfs@127.0.0.1:${port}/postgres`;
      await child.waitUntilReady(() => ping(url));
      return { engine: "postgres", url, pid: child.pid, stop: () => stop(child, folder) };
    });
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}

async function ping(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    await client.query("select 1");
  } finally {
    await client.end();
  }
}

/** SIGQUIT is PostgreSQL's immediate stop, which takes its children with it; the data go anyway. */
async function stop(child: ServerProcess, folder: string): Promise<void> {
  await child.stop("SIGQUIT");
  await removeFolder(folder);
}
