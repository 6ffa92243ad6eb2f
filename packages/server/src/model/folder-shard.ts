/** Blobs lie in 65,536 folders by the first four hex digits of their digests; a shard is the number that these make. */
export const SHARDS = 65_536;

/** `ab/cd` as the two names of folders. */
export function formatShard(shard: number): [first: string, second: string] {
  const text = shard.toString(16).padStart(4, "0");
  return [text.slice(0, 2), text.slice(2)];
}

export function shardOf(digest: string): number {
  return Number.parseInt(digest.slice(0, 4), 16);
}

/** The lowest and the highest digest of the shards `from` up to and with `to`. */
export function digestRange(from: number, to: number): { lowest: string; highest: string } {
  return {
    lowest: formatShard(from).join("").padEnd(64, "0"),
    highest: formatShard(to).join("").padEnd(64, "f"),
  };
}
