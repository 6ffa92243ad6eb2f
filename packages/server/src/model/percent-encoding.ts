const UNENCODED_ASCII = /^[\x00-\x24\x26-\x7f]*$/;
const PERCENT = 0x25;
const MAX_ASCII = 0x7f;

/** Without `ignoreBOM` a key that begins with U+FEFF would lose it and become another key. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What percent-encoded ASCII means: each `%XX` one byte, and all bytes together UTF-8. Undefined when it is not that. */
export function decodePercent(text: string): string | undefined {
  if (UNENCODED_ASCII.test(text)) return text;
  const bytes = Buffer.alloc(text.length);
  let sizeBytes = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > MAX_ASCII) return undefined;
    if (code !== PERCENT) {
      bytes[sizeBytes++] = code;
      continue;
    }
    const byte = hexValue(text.charCodeAt(index + 1)) * 16 + hexValue(text.charCodeAt(index + 2));
    if (Number.isNaN(byte)) return undefined;
    bytes[sizeBytes++] = byte;
    index += 2;
  }
  return decodeUtf8(bytes.subarray(0, sizeBytes));
}

function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : Number.NaN;
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    // The only failure there is: the bytes are not UTF-8.
    return undefined;
  }
}
