import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KoboldError } from "@koboldfs/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ConfigInput, loadConfig } from "./load-config.js";
import { advertisedUrl, describeConfig } from "./node-config.js";

const FLAGS = { data: ["/srv/one"] };

async function load(input: ConfigInput) {
  return (await loadConfig({ hostname: "kobold1.example.org", flags: FLAGS, ...input })).config;
}

async function refusal(input: ConfigInput): Promise<KoboldError> {
  const error = await loadConfig({ hostname: "kobold1", flags: FLAGS, ...input }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof KoboldError)) throw new Error(`not refused with a coded error: ${error}`);
  return error;
}

describe("loadConfig", () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "koboldfs-config-"));
    path = join(folder, "koboldfs.ini");
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("needs nothing but a data directory", async () => {
    expect(await load({})).toEqual({
      name: "kobold1",
      host: "kobold1.example.org",
      listen: { host: "127.0.0.1", port: 9876 },
      data: ["/srv/one"],
      dsn: "sqlite:/srv/one/catalog.sqlite",
      log: "info",
      intervalMs: 1000,
      zone: "default",
      ackCopies: 2,
      minCopies: 1,
      uploadTtlMs: 86_400_000,
      repairLanes: 16,
      repairBytesPerSecond: 64 * 1024 * 1024,
      staging: { transactionBytes: 64 * 2 ** 30, namespaceBytes: 256 * 2 ** 30 },
      scrubBytesPerSecond: 8 * 1024 * 1024,
      scrubAgainMs: 7 * 86_400_000,
      allowUnsafeCatalog: false,
      corsOrigins: [],
      urlKeys: [],
      accel: false,
      workers: 1,
    });
    const error = await refusal({ flags: {} });
    expect(error.code).toBe("config_invalid");
    expect(error.message).toContain("--data DIR");
  });

  it("lets flags win over the environment, the environment over the file, and the file over defaults", async () => {
    await writeFile(path, "name = from-file\nzone = from-file\nlog = warn\n");
    const env = { KOBOLDFS_CONFIG: path, KOBOLDFS_NAME: "from-env", KOBOLDFS_ZONE: "from-env", HOME: "/root" };
    const { config, origins } = await loadConfig({ flags: { ...FLAGS, name: "from-flag" }, env });
    expect(config).toMatchObject({ name: "from-flag", zone: "from-env", log: "warn", ackCopies: 2 });
    expect(origins).toMatchObject({
      name: "command line",
      zone: "environment KOBOLDFS_ZONE",
      log: `${path}:3`,
      ack_copies: "default",
    });
  });

  it("prefers the file that the flag names to the one of the environment", async () => {
    await writeFile(path, "zone = right\n");
    const config = await load({ flags: { ...FLAGS, config: path }, env: { KOBOLDFS_CONFIG: "/nowhere" } });
    expect(config.zone).toBe("right");
  });

  it("takes several data directories from each source", async () => {
    await writeFile(path, "data = /srv/one\ndata = /srv/two\n");
    expect((await load({ flags: { config: path } })).data).toEqual(["/srv/one", "/srv/two"]);
    expect((await load({ flags: {}, env: { KOBOLDFS_DATA: "/srv/a:/srv/b" } })).data).toEqual(["/srv/a", "/srv/b"]);
    expect((await load({ flags: { data: ["/srv/x", "/srv/y"] } })).data).toEqual(["/srv/x", "/srv/y"]);
  });

  it("takes origins of web pages separated by commas, or a star", async () => {
    const originsOf = async (text: string) => (await load({ env: { KOBOLDFS_CORS_ORIGINS: text } })).corsOrigins;
    expect(await originsOf("https://a.example.org, http://127.0.0.1:3000")).toEqual([
      "https://a.example.org",
      "http://127.0.0.1:3000",
    ]);
    expect(await originsOf("*")).toEqual(["*"]);
    expect(await originsOf("")).toEqual([]);
  });

  it("names the nearest known setting when a key of the file is unknown", async () => {
    await writeFile(path, "lisen = 127.0.0.1:1\n");
    const error = await refusal({ flags: { ...FLAGS, config: path } });
    expect(error).toMatchObject({ code: "config_invalid" });
    expect(error.message).toContain("lisen");
    expect(error.message).toContain("did you mean listen?");
  });

  it("names the nearest known variable when one of ours is unknown", async () => {
    const error = await refusal({ env: { KOBOLDFS_CLUSTER_SECRTE: "x" } });
    expect(error.message).toContain("did you mean KOBOLDFS_CLUSTER_SECRET?");
  });

  it("accepts the variables of the koboldfs command", async () => {
    const env = { KOBOLDFS_SERVER: "http://127.0.0.1:1", KOBOLDFS_TOKEN: "t" };
    expect(await load({ env })).toMatchObject({ token: "t" });
  });

  it("refuses sections, a single setting given twice, and a file that is not there", async () => {
    await writeFile(path, "[server]\nname = a\n");
    expect((await refusal({ env: { KOBOLDFS_CONFIG: path } })).message).toContain("[server]");
    await writeFile(path, "name = a\nname = b\n");
    expect((await refusal({ env: { KOBOLDFS_CONFIG: path } })).message).toContain("given twice");
    expect((await refusal({ env: { KOBOLDFS_CONFIG: `${path}.missing` } })).message).toContain("cannot read");
  });

  it.each([
    ["listen", "9876"],
    ["listen", "127.0.0.1:65536"],
    ["listen", "::1:9876"],
    ["url", "http://a/path"],
    ["url", "kobold1:9876"],
    ["log", "loud"],
    ["interval", "0"],
    ["interval", "often"],
    ["ack_copies", "0"],
    ["ack_copies", "1.5"],
    ["allow_unsafe_catalog", "maybe"],
    ["cors_origins", "app.example.org"],
    ["cors_origins", "https://app.example.org,*"],
    ["cors_origins", "https://app.example.org/page"],
    ["name", "Not A Name"],
    ["zone", ""],
  ])("refuses %s = %j and says where it was written", async (name, text) => {
    const error = await refusal({ flags: { ...FLAGS, [name]: text } });
    expect(error.code).toBe("config_invalid");
    expect(error.message).toContain(`${name} (command line)`);
  });

  it("refuses a host name that is no node name only when no name is set", async () => {
    expect((await refusal({ hostname: "_" })).message).toContain("set name");
    expect(await load({ hostname: "_", flags: { ...FLAGS, name: "a" } })).toMatchObject({ name: "a" });
  });

  it("refuses one data directory given twice", async () => {
    expect((await refusal({ flags: { data: ["/srv/a", "/srv/a/"] } })).message).toContain("given twice");
  });

  it("demands a cluster secret beyond loopback, and none on loopback", async () => {
    for (const listen of ["0.0.0.0:9876", "[::]:9876", "10.0.0.1:9876", "kobold1:9876"]) {
      expect(await refusal({ flags: { ...FLAGS, listen } })).toMatchObject({ code: "secret_required" });
      expect(await load({ flags: { ...FLAGS, listen }, env: { KOBOLDFS_CLUSTER_SECRET: "s" } })).toBeDefined();
    }
    for (const listen of ["127.0.0.1:1", "127.1.2.3:1", "[::1]:1", "localhost:1"]) {
      expect(await load({ flags: { ...FLAGS, listen } })).toBeDefined();
    }
    expect(await refusal({ env: { KOBOLDFS_CLUSTER_SECRET: "" } })).toMatchObject({ code: "config_invalid" });
  });

  it("shows no secret, neither in the description nor in an error", async () => {
    const env = {
      KOBOLDFS_CLUSTER_SECRET: "s3cret-one",
      KOBOLDFS_TOKEN: "s3cret-two",
      KOBOLDFS_DSN: "postgres://kobold:s3cret/thr@ee@db1,db2/files?password=s3cret",
    };
    const shown = JSON.stringify(describeConfig(await load({ env })));
    expect(shown).not.toContain("s3cret");
    expect(shown).toContain("postgres://kobold@db1,db2/files");
    expect((await refusal({ env: { KOBOLDFS_TOKEN: " " } })).message).not.toContain('" "');
  });
});

describe("advertisedUrl", () => {
  it("is what peers can reach: the listen address, or the host name when it listens everywhere", async () => {
    const env = { KOBOLDFS_CLUSTER_SECRET: "s" };
    const urlOf = async (flags: Record<string, string>) =>
      advertisedUrl(await load({ env, flags: { ...FLAGS, ...flags } }), 7);
    expect(await urlOf({})).toBe("http://127.0.0.1:7");
    expect(await urlOf({ listen: "[::1]:0" })).toBe("http://[::1]:7");
    expect(await urlOf({ listen: "10.0.0.1:0" })).toBe("http://10.0.0.1:7");
    expect(await urlOf({ listen: "0.0.0.0:0" })).toBe("http://kobold1.example.org:7");
    expect(await urlOf({ listen: "0.0.0.0:0", url: "https://files.example.org" })).toBe("https://files.example.org");
    const everywhere = { hostname: "localhost", env, flags: { ...FLAGS, listen: "0.0.0.0:1" } };
    expect(await refusal(everywhere)).toMatchObject({ code: "config_invalid" });
  });
});
