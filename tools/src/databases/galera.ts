import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
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
  /** Brings back all members at once after all of them died, from the one that has committed most. */
  bootstrap(): Promise<void>;
  /** For the next test: every member runs, and the catalog's database is empty. */
  renew(): Promise<void>;
  stop(): Promise<void>;
}

export interface GaleraMember {
  /** Of the catalog's database, through this member. */
  readonly url: string;
  /** As a machine that loses power. */
  kill(): Promise<void>;
  /**
   * Starts a killed member as Debian's service does, and waits until it has all that the others have: it is sent what was
   * committed since, as long as somebody has that in memory, else everything.
   */
  restart(): Promise<void>;
  /** As when its disk is replaced: what a killed member has is gone. */
  loseDisk(): Promise<void>;
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
      members.push(new Member(place));
    }
    await startAll(members);
    await createDatabase(members);
    const hosts = members.map(({ port }) => `127.0.0.1:${port}`).join(",");
    return {
      ...{ members, dsn: `mysql://root@${hosts}/catalog`, stop },
      bootstrap: () => bootstrap(members),
      renew: async () => {
        for (const member of members) if (!member.isRunning) await member.restart();
        await createDatabase(members);
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The first one makes the cluster that the others join, one after the other: each is sent everything by another one. */
async function startAll([first, ...others]: readonly Member[]): Promise<void> {
  await first?.start("first");
  for (const member of others) await member.start("joins");
  for (const member of others) await member.waitUntilJoined(MEMBERS);
}

/** As galera_recovery, an editor and galera_new_cluster do it for an operator. */
async function bootstrap(members: readonly Member[]): Promise<void> {
  const found = await Promise.all(members.map(async (member) => ({ member, at: await member.findPosition() })));
  const [most, ...others] = found.toSorted((a, b) => numberOf(b.at) - numberOf(a.at));
  await most?.member.allowBootstrap();
  await most?.member.start("first", most.at);
  await Promise.all(others.map(({ member, at }) => member.start("joins", at)));
  await Promise.all(members.map((member) => member.waitUntilJoined(MEMBERS)));
}

function numberOf(position: string | undefined): number {
  return Number(position?.split(":")[1] ?? -1);
}

async function createDatabase(members: readonly Member[]): Promise<void> {
  await members[0]?.run("drop database if exists catalog");
  await members[0]?.run("create database catalog");
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
/** What a member says of itself that was not told by another one where it is. */
const RECOVERED = /Recovered position:\s*([0-9a-f-]{36}:\d+)/;

class Member implements GaleraMember {
  readonly port: number;
  readonly #place: MemberPlace;
  #child: ServerProcess | undefined;

  constructor(place: MemberPlace) {
    this.#place = place;
    this.port = place.ports.sql;
  }

  get url(): string {
    return `mysql://root@127.0.0.1:${this.port}/catalog`;
  }

  get isRunning(): boolean {
    return this.#child?.hasEnded === false;
  }

  async kill(): Promise<void> {
    await this.#child?.stop("SIGKILL");
  }

  async restart(): Promise<void> {
    await this.start("joins", await this.findPosition());
    await this.waitUntilJoined();
  }

  async loseDisk(): Promise<void> {
    const { data, user } = this.#place;
    await rm(data, { recursive: true });
    await mkdir(data);
    await chownAll(data, user);
  }

  /** `position` is what it has found on its disk. */
  async start(as: "first" | "joins", position?: string): Promise<void> {
    const { file, folder, user } = this.#place;
    const args = [
      ...this.#settings(),
      ...(position === undefined ? [] : [`--wsrep-start-position=${position}`]),
      ...(as === "first" ? ["--wsrep-new-cluster"] : []),
    ];
    this.#child = new ServerProcess({ file, args, folder, user });
    await this.#child.waitUntilReady(async () => void (await this.run("select 1")));
  }

  /** `CLUSTER:NUMBER` of the last commit on its disk, as a member that was killed did not note it; undefined without any. */
  async findPosition(): Promise<string | undefined> {
    const { file, folder, user, data } = this.#place;
    if (!existsSync(`${data}/grastate.dat`)) return undefined;
    const child = new ServerProcess({ file, args: [...this.#settings(), "--wsrep-recover"], folder, user });
    const code = await child.ended();
    const position = RECOVERED.exec(child.output)?.[1];
    if (position === undefined) throw new Error(`a member has no position (it ended with ${code}):\n${child.output}`);
    return position;
  }

  /** Says that no other member has committed more. */
  async allowBootstrap(): Promise<void> {
    const path = `${this.#place.data}/grastate.dat`;
    const state = await readFile(path, "utf8");
    await writeFile(path, state.replace("safe_to_bootstrap: 0", "safe_to_bootstrap: 1"));
  }

  async run(statement: string): Promise<readonly Record<string, unknown>[]> {
    const connection = await mysql.createConnection(`mysql://root@127.0.0.1:${this.port}/mysql`);
    try {
      return (await connection.query(statement))[0] as Record<string, unknown>[];
    } finally {
      await connection.end();
    }
  }

  /** And sees so many members, itself among them. */
  async waitUntilJoined(size = 0): Promise<void> {
    const deadline = performance.now() + JOIN_TIMEOUT_MS;
    while (performance.now() < deadline) {
      const rows = await this.run("show status where variable_name in ('wsrep_ready', 'wsrep_cluster_size')");
      const values = new Map(rows.map((row) => [row["Variable_name"], row["Value"]]));
      if (values.get("wsrep_ready") === "ON" && Number(values.get("wsrep_cluster_size")) >= size) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const fate = this.isRunning ? "runs" : "ended";
    throw new Error(`a member did not join its cluster (it ${fate}):\n${this.#child?.output}`);
  }

  #settings(): string[] {
    const { data, ports } = this.#place;
    const where = [`--datadir=${data}`, `--socket=${data}.socket`, `--pid-file=${data}.pid`, `--port=${ports.sql}`];
    const network = ["--bind-address=127.0.0.1", "--skip-name-resolve"];
    return ["--no-defaults", ...where, ...network, ...MARIADB_SETTINGS, ...this.#galera()];
  }

  #galera(): string[] {
    const { library, ports, addresses } = this.#place;
    const { group, transfer, copy } = ports;
    const provider = [
      `gmcast.listen_addr=tcp://127.0.0.1:${group}`,
      `base_host=127.0.0.1;base_port=${group}`,
      `ist.recv_addr=127.0.0.1:${transfer};ist.recv_bind=127.0.0.1:${transfer}`,
      "gcache.size=32M",
    ];
    return [
      ...["--wsrep-on=ON", `--wsrep-provider=${library}`, "--wsrep-cluster-name=koboldfs"],
      ...[`--wsrep-cluster-address=gcomm://${addresses}`, "--wsrep-node-address=127.0.0.1"],
      ...["--binlog-format=ROW", "--innodb-autoinc-lock-mode=2", `--wsrep-provider-options=${provider.join(";")}`],
      ...["--wsrep-sst-method=rsync", `--wsrep-sst-receive-address=127.0.0.1:${copy}`],
    ];
  }
}
