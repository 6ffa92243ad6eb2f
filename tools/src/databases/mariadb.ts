import mysql from "mysql2/promise";
import { findOrInstallPrograms } from "../machine/debian-programs.js";
import type { DatabaseServer, DatabaseServerOrSkip } from "./database-server.js";
import { createServerFolder, removeFolder, runToEnd, ServerProcess, startOnFreePort } from "./server-process.js";
import { findUnprivilegedUser, type UnprivilegedUser } from "./unprivileged-user.js";

/** Small, because several tests' clusters and the server share one machine. Durability stays as MariaDB ships it. */
export const MARIADB_SETTINGS = [
  "--innodb-buffer-pool-size=64M",
  "--innodb-log-file-size=48M",
  "--max-connections=300",
];

/** The server without a service that would start at boot; my_print_defaults comes with the client. */
const MARIADB = {
  name: "MariaDB",
  programs: ["mariadbd", "mariadb-install-db", "my_print_defaults"],
  packages: ["mariadb-server-core", "mariadb-client-core"],
};

/**
 * Starts a MariaDB of our own on a free port of 127.0.0.1, as `root` without a password.
 * Without one installed, and no way to install it: a skip with its reason, and in CI an error.
 */
export async function startMariadb(): Promise<DatabaseServerOrSkip> {
  const found = await findOrInstallPrograms(MARIADB);
  if ("skip" in found) return found;
  const [mariadbd = "", installDb = ""] = found;
  return startInstalled(mariadbd, installDb);
}

async function startInstalled(mariadbd: string, installDb: string): Promise<DatabaseServer> {
  const user = findUnprivilegedUser();
  const folder = await createServerFolder("mariadb", user);
  try {
    await createSystemTables(installDb, folder, user);
    return await startOnFreePort(async (port) => {
      const where = [`--datadir=${folder}/data`, `--socket=${folder}/socket`, `--pid-file=${folder}/pid`];
      const network = [`--port=${port}`, "--bind-address=127.0.0.1", "--skip-name-resolve"];
      const args = ["--no-defaults", ...where, ...network, ...MARIADB_SETTINGS];
      const child = new ServerProcess({ file: mariadbd, args, folder, user });
      const url = `mysql://root@127.0.0.1:${port}/mysql`;
      await child.waitUntilReady(() => ping(url));
      return { engine: "mariadb", url, stop: () => stop(child, folder) };
    });
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}

/** Makes the data folder `<folder>/data` of a server that never ran. */
export async function createSystemTables(installDb: string, folder: string, user: UnprivilegedUser | undefined) {
  const args = ["--no-defaults", `--datadir=${folder}/data`, "--auth-root-authentication-method=normal"];
  const quick = [
    "--skip-test-db",
    "--skip-name-resolve",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-log-file-size=8M",
  ];
  await runToEnd({ file: installDb, args: [...args, ...quick], folder, user });
}

async function ping(url: string): Promise<void> {
  const connection = await mysql.createConnection(url);
  try {
    await connection.query("select 1");
  } finally {
    await connection.end();
  }
}

/** SIGKILL, because the data go anyway. */
async function stop(child: ServerProcess, folder: string): Promise<void> {
  await child.stop("SIGKILL");
  await removeFolder(folder);
}
