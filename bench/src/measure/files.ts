import { bodyOf, keyOf, LANE_NUMBERS, lanesOf, type Load } from "../load/load-generator.js";
import type { RunningSubject } from "../subjects/subject.js";

/** Uploads at once while the files for a get workload are put. */
const PREPARE_CONCURRENCY = 8;

/** Puts the files that a get workload will read. */
export async function prepareFiles(subject: RunningSubject, load: Load): Promise<void> {
  const [first = ""] = subject.folderUrls;
  let next = 1;
  const putSome = async () => {
    while (next <= load.keyCount) {
      const number = next++;
      await request(first + keyOf(load, number), { method: "PUT", body: bodyOf(load, number) });
    }
  };
  await Promise.all(Array.from({ length: PREPARE_CONCURRENCY }, putSome));
}

/**
 * Reads some of what a load put (or read) back from every machine that must have it, and says what is wrong: a put
 * without its bytes on all of them is no put. Of puts only the first half is sampled, because the last ones were cut
 * off with the load.
 */
export async function findFalseFiles(subject: RunningSubject, load: Load, requests: number): Promise<string[]> {
  const lanes = load.operation === "put" ? lanesOf(load) : 1;
  const last = load.operation === "put" ? Math.floor(requests / lanes / 2) : load.keyCount;
  // wrk builds its first request only to look at it and never sends it.
  const sampled = [2, Math.ceil(last / 2), last].filter((number) => number >= 2 && number <= last);
  const numbers = sampled.flatMap((number) => Array.from({ length: lanes }, (_, lane) => lane * LANE_NUMBERS + number));
  const wrong: string[] = [];
  for (const number of numbers) {
    for (const url of subject.copyUrls) {
      const found = await findWrong(url + keyOf(load, number), bodyOf(load, number));
      if (found !== undefined) wrong.push(found);
    }
  }
  return wrong;
}

async function findWrong(url: string, bytes: Buffer): Promise<string | undefined> {
  try {
    const got = await request(url, { method: "GET" });
    return got.equals(bytes) ? undefined : `${url} gave back other bytes`;
  } catch (error) {
    return String(error);
  }
}

async function request(url: string, init: RequestInit): Promise<Buffer> {
  const response = await fetch(url, init);
  const body = Buffer.from(await response.arrayBuffer());
  if (!response.ok) throw new Error(`${init.method} ${url}: ${response.status} ${body.toString("utf8", 0, 500)}`);
  return body;
}
