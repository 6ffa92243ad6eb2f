import { KoboldError } from "@koboldfs/protocol";
import { hashJournalGroup, type JournalGroup, parseGroupHeader } from "./journal-group.js";

const LENGTH_BYTES = 4;

/** Groups one after the other as they cross between nodes: each is its length in four bytes, then its own bytes. */
export function formatGroupFrames(groups: readonly JournalGroup[]): Buffer[] {
  return groups.flatMap(({ bytes }) => {
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32BE(bytes.length);
    return [length, bytes];
  });
}

/** Reads what `formatGroupFrames` wrote; hashes are computed, not believed. Throws `invalid_request` for anything else. */
export function parseGroupFrames(frames: Buffer): JournalGroup[] {
  const groups: JournalGroup[] = [];
  let position = 0;
  while (position < frames.length) {
    const start = position + LENGTH_BYTES;
    if (start > frames.length) throw cutOff();
    position = start + frames.readUInt32BE(position);
    if (position > frames.length) throw cutOff();
    const bytes = frames.subarray(start, position);
    const { first, last } = parseGroupHeader(bytes);
    groups.push({ first, last, hash: hashJournalGroup(bytes), bytes });
  }
  return groups;
}

function cutOff(): KoboldError {
  return new KoboldError("invalid_request", "the groups of the journal are cut off");
}
