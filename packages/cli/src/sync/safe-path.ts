import { isPartName } from "@koboldfs/client";

/**
 * Why a key, without the prefix, cannot be the path of a file inside a folder; undefined when it can. Whatever this lets
 * through stays inside the folder as long as none of its folders is a link.
 */
export function findPathProblem(key: string, platform: NodeJS.Platform = process.platform): string | undefined {
  if (key.startsWith("/")) return "it begins with a slash";
  if (key.endsWith("/") || key === "") return "it ends in a slash: no file can have that name";
  for (const segment of key.split("/")) {
    if (segment === "") return "it has two slashes in a row";
    if (segment === "." || segment === "..") return `it has a step '${segment}'`;
    if (isPartName(segment)) return "it has the name of an unfinished download";
    // On Windows these begin a drive, a stream of a file or a folder.
    if (platform === "win32" && /[\\:*?"<>|\u0000-\u001f]/.test(segment))
      return "it has a character that Windows forbids";
  }
  return undefined;
}

/** Finds keys that need a file as their folder, in a sequence of keys in byte order. */
export class FolderClashFinder {
  /** Earlier keys with which the next one may begin, each a beginning of the one after it. */
  readonly #beginnings: string[] = [];

  /** The earlier key that is a file where `key` needs a folder; undefined when there is none. */
  find(key: string): string | undefined {
    while (this.#beginnings.length > 0 && !key.startsWith(this.#beginnings.at(-1) ?? "")) this.#beginnings.pop();
    const clash = this.#beginnings.find((beginning) => key.startsWith(`${beginning}/`));
    if (clash === undefined) this.#beginnings.push(key);
    return clash;
  }
}
