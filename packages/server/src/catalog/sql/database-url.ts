import { KoboldError } from "@koboldfs/protocol";

/** Where a database server and one database in it are. */
export interface DatabaseUrl {
  /** In the order in which they are tried: the first that accepts writes is taken, by every node. */
  readonly hosts: readonly { readonly host: string; readonly port: number | undefined }[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string;
  /** `require` encrypts, `verify-full` also checks who answers. */
  readonly sslMode: "disable" | "require" | "verify-full";
}

const SHAPE = /^[a-z]+:\/\/(?:(?<login>[^@/]*)@)?(?<hosts>[^/?]+)\/(?<database>[^/?]+)(?:\?(?<parameters>.*))?$/;
const HOST = /^(?:\[(?<six>[0-9a-fA-F:]+)\]|(?<name>[^:[\]]+))(?::(?<port>\d{1,5}))?$/;
const SSL_MODES = ["disable", "require", "verify-full"] as const;

/** Reads `scheme://user:password@host1:port,host2/database?sslmode=…`. Throws `config_invalid`; never shows the password. */
export function parseDatabaseUrl(dsn: string): DatabaseUrl {
  const { login, hosts, database, parameters } = SHAPE.exec(dsn)?.groups ?? {};
  if (hosts === undefined || database === undefined) {
    throw new KoboldError("config_invalid", "the dsn is not like scheme://user:password@host:port/database");
  }
  const [user, ...password] = (login ?? "").split(":");
  return {
    hosts: hosts.split(",").map(parseHost),
    user: user ? decode(user) : undefined,
    password: password.length > 0 ? decode(password.join(":")) : undefined,
    database: decode(database),
    sslMode: parseParameters(parameters ?? ""),
  };
}

function parseHost(text: string) {
  const { six, name, port } = HOST.exec(text)?.groups ?? {};
  const host = six ?? name;
  if (host === undefined) throw new KoboldError("config_invalid", `not a host in the dsn: ${text}`);
  return { host, port: port === undefined ? undefined : Number(port) };
}

function parseParameters(text: string): DatabaseUrl["sslMode"] {
  let mode: DatabaseUrl["sslMode"] = "disable";
  for (const [name, value] of new URLSearchParams(text)) {
    const found = SSL_MODES.find((known) => known === value);
    if (name !== "sslmode" || found === undefined) {
      throw new KoboldError("config_invalid", `the dsn's parameter ${name} is not sslmode=${SSL_MODES.join("|")}`);
    }
    mode = found;
  }
  return mode;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new KoboldError("config_invalid", "the dsn is not percent-encoded rightly", { cause });
  }
}

/** What the drivers want for TLS. */
export function formatTls(mode: DatabaseUrl["sslMode"]): { rejectUnauthorized: boolean } | undefined {
  return mode === "disable" ? undefined : { rejectUnauthorized: mode === "verify-full" };
}
