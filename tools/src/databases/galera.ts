import { mkdir } from "node:fs/promises";
import mysql from "mysql2/promise";
import { findOrInstallPrograms } from "../machine/debian-programs.js";
import type { Skip } from "../machine/skip.js";
import { createSystemTables, MARIADB_SETTINGS } from "./mariadb.js";
import { chownAll, createServerFolder, findFreePort, removeFolder, ServerProcess } from "./server-process.js";
import { findUnprivilegedUser, type UnprivilegedUser } from "./unprivileged-user.js";

/** Three members of a MariaDB Galera cluster on this machine, each as durable as MariaDB ships. */
export interface GaleraCluster {
  /** In the order of the dsn. */
  readonly members: readonly GaleraMember[];
  /** What nodes take as `dsn`: all three. */
  readonly dsn: string;
  stop(): Promise<void>;
}

export interface GaleraMember {
  /** Of the catalog's database, through this member. */
  readonly url: string;
  /** As a machine that loses power. */
  kill(): Promise<void>;
}

const GALERA = {
  name: "MariaDB Galera",
  programs: ["mariadbd", "mariadb-install-db", "my_print_defaults", "wsrep_sst_rsync", "rsync", "ss"],
  packages: ["mariadb-server", "galera-4", "rsync", "iproute2"],
  files: ["/usr/lib/galera/libgalera_smm.so"],
};

const MEMBERS = 3;

/** Without the programs, and no way to install them: a skip with its reason, and in CI an error. */
export async function startGalera(): Promise<GaleraCluster | Skip> {
  const found = await findOrInstallPrograms(GALERA);
  if ("skip" in found) return found;
  const [mariadbd = "", installDb = ""] = found;
  const [library = ""] = GALERA.files;
  const user = findUnprivilegedUser();
  const folder = await createServerFolder("galera", user);
  const members: Member[] = [];
  const stop = async () => {
    for (const member of members) await member.kill();
    await removeFolder(folder);
  };
  try {
    const data = await prepareData(installDb, folder, user);
    const ports = await Promise.all(data.map(() => findFreePorts()));
    const addresses = ports.map(({ group }) => `127.0.0.1:${group}`).join(",");
    for (const [index, own] of ports.entries()) {
      const place = { file: mariadbd, library, folder, user, data: data[index] ?? "", ports: own, addresses };
      members.push(await Member.start(place, index === 0));
    }
    for (const member of members) await member.waitUntilJoined(MEMBERS);
    await members[0]?.run("create database catalog");
    const hosts = members.map(({ port }) => `127.0.0.1:${port}`).join(",");
    return { members, dsn: `mysql://root@${hosts}/catalog`, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface MemberPorts {
  readonly sql: number;
  readonly group: number;
  readonly transfer: number;
  readonly copy: number;
}

async function findFreePorts(): Promise<MemberPorts> {
  return {
    sql: await findFreePort(),
    group: await findFreePort(),
    transfer: await findFreePort(),
    copy: await findFreePort(),
  };
}

/** The first one has empty databases; the others get theirs from it when they join. */
async function prepareData(installDb: string, folder: string, user: UnprivilegedUser | undefined): Promise<string[]> {
  const data = Array.from({ length: MEMBERS }, (_, index) => `${folder}/data${index === 0 ? "" : index + 1}`);
  await createSystemTables(installDb, folder, user);
  for (const other of data.slice(1)) {
    await mkdir(other);
    await chownAll(other, user);
  }
  return data;
}

interface MemberPlace {
  readonly file: string;
  readonly library: string;
  readonly folder: string;
  readonly user: UnprivilegedUser | undefined;
  readonly data: string;
  readonly ports: MemberPorts;
  readonly addresses: string;
}

const JOIN_TIMEOUT_MS = 60_000;

class Member implements GaleraMember {
  readonly port: number;
  readonly #child: ServerProcess;

  private constructor(child: ServerProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(place: MemberPlace, isFirst: boolean): Promise<Member> {
    const { file, library, folder, user, data, ports, addresses } = place;
    const { sql, group, transfer, copy } = ports;
    const where = [`--datadir=${data}`, `--socket=${data}.socket`, `--pid-file=${data}.pid`, `--port=${sql}`];
    const provider = [
      `gmcast.listen_addr=tcp://127.0.0.1:${group}`,
      `base_host=127.0.0.1;base_port=${group}`,
      `ist.recv_addr=127.0.0.1:${transfer};ist.recv_bind=127.0.0.1:${transfer}`,
      "gcache.size=32M",
    ];
    const galera = [
      ...["--wsrep-on=ON", `--wsrep-provider=${library}`, "--wsrep-cluster-name=koboldfs"],
      ...[`--wsrep-cluster-address=gcomm://${addresses}`, "--wsrep-node-address=127.0.0.1"],
      ...["--binlog-format=ROW", "--innodb-autoinc-lock-mode=2", `--wsrep-provider-options=${provider.join(";")}`],
      ...["--wsrep-sst-method=rsync", `--wsrep-sst-receive-address=127.0.0.1:${copy}`],
      ...(isFirst ? ["--wsrep-new-cluster"] : []),
    ];
    const network = ["--bind-address=127.0.0.1", "--skip-name-resolve"];
    const args = ["--no-defaults", ...where, ...network, ...MARIADB_SETTINGS, ...galera];
    const member = new Member(new ServerProcess({ file, args, folder, user }), sql);
    await member.#child.waitUntilReady(async () => void (await member.run("select 1")));
    return member;
  }

  get url(): string {
    return `mysql://root@127.0.0.1:${this.port}/catalog`;
  }

  async kill(): Promise<void> {
    await this.#child.stop("SIGKILL");
  }

  async run(statement: string): Promise<readonly Record<string, unknown>[]> {
    const connection = await mysql.createConnection(`mysql://root@127.0.0.1:${this.port}/mysql`);
    try {
      return (await connection.query(statement))[0] as Record<string, unknown>[];
    } finally {
      await connection.end();
    }
  }

  async waitUntilJoined(size: number): Promise<void> {
    const deadline = performance.now() + JOIN_TIMEOUT_MS;
    while (performance.now() < deadline) {
      const rows = await this.run("show status where variable_name in ('wsrep_ready', 'wsrep_cluster_size')");
      const values = rows.map((row) => String(row["Value"]));
      if (values.includes("ON") && values.includes(String(size))) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(
      `a member did not join its cluster (it ${this.#child.hasEnded ? "ended" : "runs"}):\n${this.#child.output}`,
    );
  }
}
