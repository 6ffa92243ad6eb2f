import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { inspectConfig } from "./inspect-config.js";

describe("inspectConfig", () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "koboldfs-inspect-"));
    path = join(folder, "koboldfs.ini");
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function inspect(text: string, env: Record<string, string> = {}) {
    await writeFile(path, text);
    const { settings, problems } = await inspectConfig({ flags: { config: path }, env, hostname: "kobold1" });
    const shown = Object.fromEntries(settings.map(({ name, values, origins }) => [name, { values, origins }]));
    return { shown, problems: problems.map(({ message }) => message.replaceAll(folder, "")) };
  }

  it("gives every value with file and line, variable or default", async () => {
    const text = "; one\n\ndata = /srv/one\ndata = /srv/two ; the second disk\nzone = attic\n";
    const { shown, problems } = await inspect(text, { KOBOLDFS_ZONE: "cellar" });
    expect(problems).toEqual([]);
    expect(shown).toMatchObject({
      name: { values: ["kobold1"], origins: ["default"] },
      data: { values: ["/srv/one", "/srv/two"], origins: [`${path}:3`, `${path}:4`] },
      zone: { values: ["cellar"], origins: ["environment KOBOLDFS_ZONE"] },
      url: { values: ["http://127.0.0.1:9876"], origins: ["default"] },
      dsn: { values: ["sqlite:/srv/one/catalog.sqlite"], origins: ["default"] },
      log: { values: ["info"], origins: ["default"] },
      token: { values: [], origins: ["default"] },
    });
    expect(shown).not.toHaveProperty("server");
  });

  it("shows no secret", async () => {
    const text = "data = /d\ntoken = s3cret\ncluster_secret = s3cret\ndsn = postgres://me:s3cret@db/files\n";
    const { shown } = await inspect(text);
    expect(JSON.stringify(shown)).not.toContain("s3cret");
    expect(shown["dsn"]?.values).toEqual(["postgres://me@db/files"]);
    expect(shown["token"]).toEqual({ values: ["********"], origins: [`${path}:2`] });
  });

  it("tells everything that is wrong, each with its place, and not only the first", async () => {
    const text = "lisen = 127.0.0.1:1\nlog = loud\nzone = a\nzone = b\n[server]\nname = x\n";
    const { problems } = await inspect(text, { KOBOLDFS_NMAE: "x" });
    expect(problems).toEqual([
      "unknown environment variable: KOBOLDFS_NMAE (did you mean KOBOLDFS_NAME?)",
      "unknown key in /koboldfs.ini:1: lisen (did you mean listen?)",
      "/koboldfs.ini:4: zone is given twice (/koboldfs.ini:3)",
      "/koboldfs.ini:5: sections are not used here: [server]",
      "log (/koboldfs.ini:2): not one of debug, info, warn, error: loud",
    ]);
  });

  it("tells what rules between settings refuse", async () => {
    expect((await inspect("data = /d\nlisten = 0.0.0.0:1\n")).problems).toEqual([
      "listening on 0.0.0.0:1 reaches beyond this machine",
    ]);
    expect((await inspect("")).problems).toEqual([expect.stringContaining("no data directory")]);
  });

  it("tells that the file is not there", async () => {
    const { problems } = await inspectConfig({ flags: { config: `${path}.missing` } });
    expect(problems.map(({ message }) => message)).toEqual([expect.stringContaining("cannot read the file")]);
  });
});
