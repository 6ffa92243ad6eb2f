import { mkdirSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { CHECKOUT } from "../documents/markdown-blocks.js";

/**
 * A folder in which somebody installed Prisma and generated a client, as CONTRIBUTING.md says. It is no dependency of
 * ours: it takes 300 MB, and fetches a program when it is installed.
 */
const FOLDER = process.env["KOBOLD_TEST_PRISMA"];

/** Why nothing can be said of Prisma, or undefined. */
export const whyPrismaIsMissing =
  FOLDER === undefined ? "KOBOLD_TEST_PRISMA names no folder in which Prisma is installed" : undefined;

/** What is used of Prisma's client; its real type is generated there. */
interface PrismaClient {
  $disconnect(): Promise<void>;
}

export function openPrisma(dsn: string, max: number): PrismaClient {
  const load = createRequire(join(FOLDER ?? "", "package.json"));
  const { PrismaClient } = load("@prisma/client") as { PrismaClient: new (options: object) => PrismaClient };
  const { PrismaPg } = load("@prisma/adapter-pg") as { PrismaPg: new (options: object) => object };
  return new PrismaClient({ adapter: new PrismaPg({ connectionString: dsn, max }) });
}

/** Makes a folder in which a program is compiled that uses both Prisma and us. */
export function makePrismaFolder(folder: string): string {
  const modules = join(folder, "node_modules");
  mkdirSync(modules, { recursive: true });
  symlinkSync(join(CHECKOUT, "node_modules/@koboldfs"), join(modules, "@koboldfs"));
  symlinkSync(join(FOLDER ?? "", "node_modules/@prisma"), join(modules, "@prisma"));
  return folder;
}
