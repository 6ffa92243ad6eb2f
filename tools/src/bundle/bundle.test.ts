import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { WORKSPACE_ROOT } from "../workspace.js";
import { collectNotices } from "./collect-notices.js";
import { newestChange } from "./newest-change.js";

const BUNDLE = join(WORKSPACE_ROOT, "packages/cli/bundle");

describe("the bundle of the command", () => {
  it("has every script that it starts", async () => {
    const scripts = (await readdir(BUNDLE)).filter((name) => name.endsWith(".js"));
    const texts = await Promise.all(scripts.map((name) => readFile(join(BUNDLE, name), "utf8")));
    const started = texts.flatMap((text) => [...text.matchAll(/new URL\("\.\/([\w-]+\.js)", import\.meta\.url\)/g)]);
    expect(started.length).toBeGreaterThan(0);
    expect(scripts).toEqual(expect.arrayContaining(started.map(([, name]) => name)));
  });

  it("brings the licences of what is in it", async () => {
    const notices = await readFile(join(BUNDLE, "THIRD-PARTY.txt"), "utf8");
    for (const name of ["fastify", "kysely", "pg", "mysql2", "undici"])
      expect(notices).toMatch(new RegExp(`^${name} `, "m"));
  });
});

describe("files of our own", () => {
  it("takes the notices of every package once, and refuses one without a licence", async () => {
    const folder = await mkdtemp(join(tmpdir(), "koboldfs-notices-"));
    try {
      const module = await makePackage(folder, { name: "@some/thing", version: "1.2.3", license: "MIT" });
      await writeFile(join(folder, "node_modules/@some/thing/LICENSE.md"), "Do what you like.\n");
      const notices = await collectNotices([join(module, "a.js"), join(module, "deep/b.js"), "\0virtual"]);
      expect(notices).toBe("@some/thing 1.2.3: MIT\n\nDo what you like.\n\n");
      const secret = await makePackage(folder, { name: "secret", version: "1.0.0" });
      await expect(collectNotices([join(secret, "a.js")])).rejects.toThrow("secret 1.0.0 does not say");
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("finds the newest script of a folder, however deep", async () => {
    const folder = await mkdtemp(join(tmpdir(), "koboldfs-newest-"));
    try {
      expect(await newestChange(folder)).toBe(0);
      await mkdir(join(folder, "deep"));
      for (const [name, seconds] of [
        ["a.js", 100],
        ["deep/b.js", 200],
        ["c.txt", 300],
      ] as const) {
        await writeFile(join(folder, name), "");
        await utimes(join(folder, name), seconds, seconds);
      }
      expect(await newestChange(folder)).toBe(200_000);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

async function makePackage(
  folder: string,
  manifest: { readonly name: string; readonly version: string; readonly license?: string },
) {
  const path = join(folder, "node_modules", manifest.name);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, "package.json"), JSON.stringify(manifest));
  return path;
}
