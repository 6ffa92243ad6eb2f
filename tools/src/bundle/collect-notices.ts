import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

const PACKAGE_FOLDER = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;
const NOTICE = /^(licen[cs]e|notice|copying)/i;

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

/** The licences of the packages that these modules come from: whoever passes their code on passes them on too. */
export async function collectNotices(modules: readonly string[]): Promise<string> {
  const folders = new Set(modules.flatMap((id) => PACKAGE_FOLDER.exec(id) ?? []));
  const notices = await Promise.all([...folders].map(readNotice));
  return notices.toSorted().join("\n");
}

async function readNotice(folder: string): Promise<string> {
  const { name, version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as Manifest;
  const files = (await readdir(folder)).filter((file) => NOTICE.test(file)).toSorted();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
  if (texts.length === 0 && license === undefined)
    throw new Error(`${name} ${version} does not say how it is licensed`);
  return [`${name} ${version}: ${license ?? "see below"}`, ...texts.map((text) => text.trim()), ""].join("\n\n");
}
