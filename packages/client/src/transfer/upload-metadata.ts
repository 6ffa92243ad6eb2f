import type { PutOptions } from "../client-options.js";

/** What a put says in URL and headers, by the names of Upload-Metadata. */
export type UploadDescription = Readonly<Record<string, string | undefined>>;

export function describeUpload(
  name: { namespace: string; key: string; digest?: string | undefined },
  options: PutOptions,
): UploadDescription {
  const own = Object.entries(options.metadata ?? {}).map(([title, value]) => [`meta-${title}`, value] as const);
  return {
    ...name,
    "content-type": options.contentType,
    "if-match": options.ifMatch && `"${options.ifMatch}"`,
    "if-none-match": options.ifNoneMatch === "*" ? "*" : options.ifNoneMatch && `"${options.ifNoneMatch}"`,
    "min-copies": options.minCopies?.toString(),
    ...Object.fromEntries(own),
  };
}

/** The Upload-Metadata header of tus: names, each with a value in base64. */
export function formatUploadMetadata(description: UploadDescription): string {
  return Object.entries(description)
    .filter((pair): pair is [string, string] => pair[1] !== undefined)
    .map(([name, value]) => `${name} ${encodeBase64(value)}`)
    .join(",");
}

function encodeBase64(text: string): string {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""));
}
