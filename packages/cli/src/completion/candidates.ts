import type { FileInfo, PrefixEntry } from "@koboldfs/client";
import type { Run } from "../connection.js";
import { printable } from "../output/printable.js";
import { readProfiles } from "../settings/read-profiles.js";

export const CANDIDATE_KINDS = ["file", "namespace", "node", "profile"] as const;

/** More than a screen of them help nobody. */
const MAX_CANDIDATES = 200;

/** What a word may become. Names that no shell could show in one line are left out. */
export async function listCandidates(run: Run, kind: string, word: string): Promise<string[]> {
  const found = await findCandidates(run, kind, word);
  return found.filter((text) => text.startsWith(word) && printable(text) === text).slice(0, MAX_CANDIDATES);
}

async function findCandidates(run: Run, kind: string, word: string): Promise<string[]> {
  switch (kind) {
    case "file":
      return word.includes("/") ? listKeys(run, word) : (await listNamespaces(run)).map((name) => `${name}/`);
    case "namespace":
      return listNamespaces(run);
    case "node":
      return (await run.connectCluster().nodes({ signal: run.context.signal })).map(({ name }) => name);
    case "profile":
      return (await readProfiles(run.context.env)).profiles.names;
    default:
      return [];
  }
}

async function listNamespaces(run: Run): Promise<string[]> {
  const namespaces = await run.connectCluster().listNamespaces({ signal: run.context.signal });
  return namespaces.map(({ name }) => name);
}

/** One level, as in a folder. */
async function listKeys(run: Run, word: string): Promise<string[]> {
  const slash = word.indexOf("/");
  const namespace = word.slice(0, slash);
  const listing = {
    prefix: word.slice(slash + 1),
    delimiter: "/",
    pageSize: MAX_CANDIDATES,
    signal: run.context.signal,
  };
  const found: string[] = [];
  for await (const entry of run.connect(namespace).list(listing)) {
    found.push(`${namespace}/${nameOf(entry)}`);
    if (found.length === MAX_CANDIDATES) break;
  }
  return found;
}

function nameOf(entry: PrefixEntry | FileInfo): string {
  return "prefix" in entry ? entry.prefix : entry.key;
}
