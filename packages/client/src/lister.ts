import type { FileInfo, ListReply } from "@koboldfs/protocol";
import type { ListOptions, PrefixEntry } from "./client-options.js";

const DEFAULT_PAGE_SIZE = 1_000;

/** What is asked for in the URL of a page. */
export function formatListQuery(
  options: ListOptions & { readonly delimiter?: string },
  after: string | undefined,
): string {
  const query = [`limit=${options.pageSize ?? DEFAULT_PAGE_SIZE}`];
  for (const [name, value] of Object.entries({
    prefix: options.prefix,
    delimiter: options.delimiter,
    after,
    "as-of": options.asOf,
    consistency: options.consistency,
  })) {
    if (value !== undefined && value !== "") query.push(`${name}=${encodeURIComponent(value)}`);
  }
  return query.join("&");
}

/** Walks the pages of a listing. The next page is fetched while the current one is used; never more than that. */
export async function* walkPages(
  fetchPage: (after: string | undefined) => Promise<ListReply>,
  after: string | undefined,
): AsyncGenerator<FileInfo | PrefixEntry> {
  let coming: Promise<ListReply> | undefined = fetchPage(after);
  while (coming !== undefined) {
    const page: ListReply = await coming;
    coming = page.next === undefined ? undefined : fetchPage(page.next);
    // A caller that leaves early must not meet the failure of a page that it never wanted.
    coming?.catch(() => undefined);
    yield* mergePage(page);
  }
}

/** Files and prefixes of one page in the byte order of their names. */
function mergePage(page: ListReply): readonly (FileInfo | PrefixEntry)[] {
  if (page.prefixes.length === 0) return page.files;
  const prefixes = page.prefixes.map((prefix): PrefixEntry => ({ prefix }));
  return [...page.files, ...prefixes].sort((a, b) => compareKeys(nameOf(a), nameOf(b)));
}

function nameOf(entry: FileInfo | PrefixEntry): string {
  return "prefix" in entry ? entry.prefix : entry.key;
}

/**
 * The order of keys: that of their UTF-8 bytes. JavaScript compares UTF-16 units, which differs where a surrogate
 * (above U+FFFF) meets a character from U+E000 to U+FFFF.
 */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) return liftSurrogate(left) - liftSurrogate(right);
  }
  return a.length - b.length;
}

function liftSurrogate(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
