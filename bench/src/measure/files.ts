import { bodyOf, keyOf, LANE_NUMBERS, lanesOf, type Load, MIXED_GETS_AND_PUT } from "../load/load-generator.js";
import type { RunningSubject } from "../subjects/subject.js";
import { puts } from "../workload.js";

/** Uploads at once while files are put that a load will read or delete. */
const PREPARE_CONCURRENCY = 16;

/** Puts the files that a load will read or delete. */
export async function prepareFiles(subject: Pick<RunningSubject, "folderUrls">, load: Load): Promise<void> {
  let next = 1;
  const putSome = async () => {
    while (next <= load.keyCount) {
      const number = next++;
      const key = keyOf(load.keyPrefix, number);
      const url = subject.folderUrls[number % subject.folderUrls.length] ?? "";
      await request(url + key, { method: "PUT", body: bodyOf(key, load.sizeBytes) });
    }
  };
  await Promise.all(Array.from({ length: PREPARE_CONCURRENCY }, putSome));
}

/**
 * Asks every machine that must have it for some of what a load put, read or deleted, and says what is wrong: a put without
 * its bytes on all of them is no put, and a deleted file must be gone.
 */
export async function findFalseFiles(subject: RunningSubject, load: Load, requests: number): Promise<string[]> {
  const expectations: Expectation[] = [
    ...(puts(load) ? sampledPuts(load, requests) : []),
    ...(load.operation === "put" ? [] : sampledBefore(load)),
  ];
  const wrong: string[] = [];
  for (const { key, isThere } of expectations) {
    for (const url of subject.copyUrls) {
      const found = isThere ? await findWrong(url + key, bodyOf(key, load.sizeBytes)) : await findRemains(url + key);
      if (found !== undefined) wrong.push(found);
    }
  }
  return wrong;
}

interface Expectation {
  readonly key: string;
  readonly isThere: boolean;
}

/** Of puts only the first half, because the last ones were cut off with the load. */
function sampledPuts(load: Load, requests: number): Expectation[] {
  const lanes = lanesOf(load);
  const made = load.operation === "mixed" ? requests / MIXED_GETS_AND_PUT : requests;
  const last = Math.floor(made / lanes / 2);
  // wrk builds its first request only to look at it and never sends it.
  const sampled = [2, Math.ceil(last / 2), last].filter((number) => number >= 2 && number <= last);
  const numbers = sampled.flatMap((number) => Array.from({ length: lanes }, (_, lane) => lane * LANE_NUMBERS + number));
  return numbers.map((number) => ({ key: keyOf(load.putPrefix, number), isThere: true }));
}

function sampledBefore({ keyPrefix, keyCount, operation }: Load): Expectation[] {
  return [2, Math.ceil(keyCount / 4)].map((number) => ({
    key: keyOf(keyPrefix, number),
    isThere: operation !== "delete",
  }));
}

async function findRemains(url: string): Promise<string | undefined> {
  const { status } = await fetch(url, { method: "HEAD" });
  return status === 404 ? undefined : `${url} answers ${status} although it was deleted`;
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
