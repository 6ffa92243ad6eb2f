import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findBrokenLinks } from "./find-broken-links.js";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "koboldfs-links-"));
  await mkdir(join(root, "docs"));
  await writeFile(join(root, "docs/there.md"), "# What is, and how?\n");
});
afterEach(() => rm(root, { recursive: true }));

it("finds links to files and headings that are not there", () => {
  const text = "[a](docs/gone.md) [b](docs/there.md#why) ![c](picture.svg)";
  expect(findBrokenLinks(root, "README.md", text)).toEqual([
    "README.md: docs/gone.md",
    "README.md: docs/there.md#why",
    "README.md: picture.svg",
  ]);
});

it("accepts links that lead somewhere, and leaves other sites and code alone", () => {
  const text = "[a](docs/there.md) [b](docs/there.md#what-is-and-how) [c](https://example.org/gone) `[d](gone.md)`";
  expect(findBrokenLinks(root, "README.md", text)).toEqual([]);
  expect(findBrokenLinks(root, "docs/other.md", "[a](there.md) [b](../docs)")).toEqual([]);
});
