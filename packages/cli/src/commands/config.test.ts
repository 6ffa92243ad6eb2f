import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { settingsIn } from "@koboldfs/server/settings";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runInside } from "../testing/run-inside.js";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "koboldfs-config-"));
  await mkdir(join(folder, "koboldfs"));
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs `koboldfs config`; in what it says `%` is the test's folder. */
async function config(line: string, env: Readonly<Record<string, string>> = {}, columns?: number) {
  const args = ["config", ...line.replaceAll("%", folder).split(" ")];
  const result = await runInside(args, {
    env: { XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: join(folder, "cache"), ...env },
    ...(columns !== undefined && { columns }),
  });
  const steady = (text: string) => text.replaceAll(folder, "%").split("\n").slice(0, -1);
  return { code: result.code, out: steady(result.stdout), err: steady(result.stderr) };
}

async function writeProfiles(text: string, mode = 0o600): Promise<void> {
  const path = join(folder, "koboldfs", "profiles.ini");
  await writeFile(path, text);
  await chmod(path, mode);
}

const BACKUP = "server = http://home:1\n\n[backup]\nserver = http://b1:1, http://b2:1\ntoken = 0123456789abcdef\n";

describe("koboldfs config show", () => {
  it("shows every setting with its value and where that comes from, and of a token only the end", async () => {
    await writeProfiles(BACKUP);
    expect(await config("show --profile backup", { KOBOLDFS_SERVER: "http://e:1", NO_COLOR: "1" })).toEqual({
      code: 0,
      out: [
        "SETTING   VALUE                    FROM",
        "profiles  %/koboldfs/profiles.ini  environment XDG_CONFIG_HOME",
        "profile   backup                   --profile",
        "server    http://b1:1, http://b2:1  %/koboldfs/profiles.ini:4",
        "token     ********cdef             %/koboldfs/profiles.ini:5",
        "cache     %/cache/koboldfs         environment XDG_CACHE_HOME",
        "colors    none                     environment NO_COLOR",
      ].map((line) => expect.stringMatching(lineLike(line))),
      err: [],
    });
  });

  it("shows the defaults where nothing is written", async () => {
    const { out } = await config("show");
    expect(out.slice(2)).toEqual(
      [
        "profile  default                  default",
        "server   http://127.0.0.1:9876    default",
        "token    none                     default",
        "cache    %/cache/koboldfs         environment XDG_CACHE_HOME",
        "colors   on a terminal            default",
      ].map((line) => expect.stringMatching(lineLike(line))),
    );
  });

  it("is cut on a narrow terminal", async () => {
    const { out } = await config("show", {}, 30);
    expect(out.every((line) => line.length <= 30)).toBe(true);
    expect(out.some((line) => line.endsWith("…"))).toBe(true);
  });

  it("prints a document for each setting with --json, and says which token is not sent", async () => {
    await writeProfiles(BACKUP);
    const { out } = await config("show --json --profile backup --server http://other:1");
    expect(out.map((line): unknown => JSON.parse(line)).slice(2, 4)).toEqual([
      { setting: "server", value: "http://other:1", origin: "--server" },
      {
        setting: "token",
        value: "********cdef",
        note: "not sent: it stands with other servers",
        origin: "%/koboldfs/profiles.ini:5",
      },
    ]);
  });

  it("shows no password in a server's URL", async () => {
    expect((await config("show", { KOBOLDFS_SERVER: "http://me:s3cret@a:1,http://b:1" })).out.join("\n")).toContain(
      "http://********@a:1,http://b:1",
    );
  });

  it("shows a server's configuration with file and line, without its secrets", async () => {
    await writeFile(join(folder, "node.ini"), "name = n1\ndata = /one\ndata = /two\ntoken = s3cret-s3cret-s3cret\n");
    const { code, out, err } = await config("show --config %/node.ini", { KOBOLDFS_ZONE: "attic" });
    expect({ code, err }).toEqual({ code: 0, err: [] });
    // A heading, one line for each setting, and one more for the second data directory.
    expect(out).toHaveLength(settingsIn("file").length + 2);
    expect(out).toEqual(
      expect.arrayContaining(
        [
          "name   n1                           %/node.ini:1",
          "data   /one                         %/node.ini:2",
          "data   /two                         %/node.ini:3",
          "dsn    sqlite:/one/catalog.sqlite   default",
          "token  ********                     %/node.ini:4",
          "zone   attic                        environment KOBOLDFS_ZONE",
        ].map((line) => expect.stringMatching(lineLike(line))),
      ),
    );
    const documents = (await config("show --config %/node.ini --json")).out.map((line): unknown => JSON.parse(line));
    expect(documents[3]).toEqual({ setting: "data", value: "/one", origin: "%/node.ini:2" });
  });
});

describe("koboldfs config check", () => {
  it("says that nothing is wrong, with and without a file", async () => {
    expect(await config("check")).toEqual({ code: 0, out: ["%/koboldfs/profiles.ini: nothing is wrong"], err: [] });
    await writeProfiles(BACKUP);
    expect(await config("check --json")).toEqual({
      code: 0,
      out: ['{"file":"%/koboldfs/profiles.ini","problems":0}'],
      err: [],
    });
  });

  it("tells everything that is wrong in one sentence each", async () => {
    await writeProfiles(
      "tokn = s3cret\nserver = ftp://a\n[b ad]\n[two]\nserver = a:1\nserver = http://b\ntoken = s3cret\n",
      0o644,
    );
    const { code, out, err } = await config("check --profile none", { KOBOLDFS_TOKN: "s3cret" });
    expect({ code, out }).toEqual({ code: 1, out: ["%/koboldfs/profiles.ini: 8 problems"] });
    expect(err).toEqual(
      [
        /^koboldfs: unknown environment variable: KOBOLDFS_TOKN \(did you mean KOBOLDFS_TOKEN\?\) \(usage\)/,
        /%\/koboldfs\/profiles\.ini:1: not .*: "tokn" \(did you mean token\?\)/,
        /%\/koboldfs\/profiles\.ini:3: a profile's name is/,
        /%\/koboldfs\/profiles\.ini:6: server is given twice \(%\/koboldfs\/profiles\.ini:5\)/,
        /there is no profile "none" \(--profile\)/,
        /"ftp:\/\/a" \(%\/koboldfs\/profiles\.ini:2\) is no server's URL/,
        /"a:1" \(%\/koboldfs\/profiles\.ini:5\) is no server's URL: write http:\/\/a:1/,
        /^koboldfs: warning: others can read the token in .* \(profile_exposed\)\. Run 'chmod 600/,
      ].map((line) => expect.stringMatching(line)),
    );
    expect(err.join("\n")).not.toContain("s3cret");
  });

  it("tells that the file of profiles cannot be read", async () => {
    await mkdir(join(folder, "koboldfs", "profiles.ini"));
    const { code, err } = await config("check");
    expect(code).toBe(1);
    expect(err).toEqual([expect.stringMatching(/profiles\.ini is no file of profiles/)]);
  });

  it("checks a server's configuration, also the rules between its settings", async () => {
    const path = join(folder, "node.ini");
    await writeFile(path, "data = /d\nlisen = x\nlog = loud\n");
    const wrong = await config("check --config %/node.ini");
    expect({ code: wrong.code, out: wrong.out }).toEqual({ code: 1, out: ["%/node.ini: 2 problems"] });
    expect(wrong.err).toEqual([
      expect.stringMatching(
        /^koboldfs: unknown key in %\/node\.ini:2: lisen \(did you mean listen\?\) \(config_invalid\)/,
      ),
      expect.stringMatching(/^koboldfs: log \(%\/node\.ini:3\): not one of .*: loud/),
    ]);
    await writeFile(path, "data = /d\nlisten = 0.0.0.0:9876\nurl = http://a:1\n");
    expect((await config("check --config %/node.ini")).err).toEqual([expect.stringMatching(/\(secret_required\)/)]);
    await writeFile(path, "data = /d\n");
    expect(await config("check --config %/node.ini")).toEqual({
      code: 0,
      out: ["%/node.ini: nothing is wrong"],
      err: [],
    });
  });

  it("refuses to be about a server and about the command at once", async () => {
    expect(await config("check --config x --profile y")).toMatchObject({ code: 2, out: [] });
  });
});

/** The columns are as wide as the widest path, which is another one each time. */
function lineLike(line: string): RegExp {
  const cells = line.split(/ {2,}/).map((cell) => cell.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${cells.join(" {2,}")}$`);
}
