import { basename } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { findOrInstallPrograms } from "./debian-programs.js";

const MISSING = { name: "Nothing", programs: ["koboldfs-no-such-program"], packages: ["koboldfs-no-such-package"] };

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

it("finds what is installed, in order, without installing anything", async () => {
  const found = await findOrInstallPrograms({ name: "Shells", programs: ["sh", "env"], packages: [] });
  expect("skip" in found ? found : found.map((path) => basename(path))).toEqual(["sh", "env"]);
});

it("says why there is none, and how to get it, when it may not install", async () => {
  vi.stubEnv("CI", "");
  vi.spyOn(process, "getuid").mockReturnValue(1000);
  expect(await findOrInstallPrograms(MISSING)).toEqual({
    skip: "Nothing is not installed: run 'apt-get install koboldfs-no-such-package' as root",
  });
});

it("skips nothing in CI", async () => {
  vi.stubEnv("CI", "true");
  vi.spyOn(process, "getuid").mockReturnValue(1000);
  await expect(findOrInstallPrograms(MISSING)).rejects.toThrow("never skipped in CI");
});
