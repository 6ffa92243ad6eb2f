/** All pieces in one; undefined when they are more than `maxBytes`. */
export async function collect(pieces: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array | undefined> {
  const kept: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const piece of pieces) {
    sizeBytes += piece.length;
    if (sizeBytes > maxBytes) return undefined;
    kept.push(piece);
  }
  const [only] = kept;
  if (kept.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(sizeBytes);
  let filled = 0;
  for (const piece of kept) {
    bytes.set(piece, filled);
    filled += piece.length;
  }
  return bytes;
}
