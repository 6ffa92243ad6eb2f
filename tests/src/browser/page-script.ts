import { Client, ClientPool, KoboldError, type PutReply } from "@koboldfs/client/browser";

/** What runs in the page. Everything that goes in and out is JSON. */

declare const document: { querySelector(selector: string): { readonly files: readonly File[] } };
/** The test's end of the wire: see `BrowserPage`. */
declare function cutWire(): Promise<void>;

const NAMESPACE = "demo";

export interface Failure {
  readonly code: string;
  readonly message: string;
}

export interface Uploaded {
  readonly reply: PutReply;
  /** What `onProgress` was told. */
  readonly progress: readonly number[];
}

export interface Downloaded {
  /** By the browser's own SubtleCrypto. */
  readonly digest: string;
  readonly sizeBytes: number;
  readonly pieces: number;
  readonly progress: readonly number[];
}

/** Uploads the file that was chosen in the page's form. The wire is cut, once, when so many bytes went out. */
export async function uploadChosen(servers: readonly string[], key: string, cutAtBytes?: number): Promise<Uploaded> {
  const [file] = document.querySelector("input").files;
  if (file === undefined) throw new Error("no file was chosen");
  return upload(servers, key, file, cutAtBytes);
}

export async function uploadText(servers: readonly string[], key: string, text: string): Promise<Uploaded> {
  return upload(servers, key, new TextEncoder().encode(text));
}

/** A stream of so many pieces of 64 KiB, each filled with its number. */
export async function uploadStream(servers: readonly string[], key: string, pieces: number): Promise<Uploaded> {
  async function* stream(): AsyncGenerator<Uint8Array> {
    for (let piece = 0; piece < pieces; piece += 1) yield new Uint8Array(65_536).fill(piece);
  }
  return upload(servers, key, stream());
}

async function upload(
  servers: readonly string[],
  key: string,
  source: File | Uint8Array | AsyncIterable<Uint8Array>,
  cutAtBytes = Number.POSITIVE_INFINITY,
) {
  return withClient(servers, async (client) => {
    const progress: number[] = [];
    let isCut = false;
    const onProgress = (bytes: number) => {
      progress.push(bytes);
      if (bytes < cutAtBytes || isCut) return;
      isCut = true;
      void cutWire();
    };
    const reply = await client.put(key, source, { onProgress, metadata: { title: "naïve" } });
    return { reply, progress };
  });
}

/** Starts an upload of the chosen file and gives up when a part of it went out. Answers how it failed. */
export async function abandonUpload(servers: readonly string[], key: string): Promise<string> {
  const [file] = document.querySelector("input").files;
  if (file === undefined) throw new Error("no file was chosen");
  return withClient(servers, async (client) => {
    const controller = new AbortController();
    const onProgress = () => controller.abort(new Error("enough"));
    const put = client.put(key, file, { onProgress, signal: controller.signal });
    return put.then(() => "stored", String);
  });
}

/** Downloads a file by a stream. `cutAfterFirst` has the wire cut once the first piece is here. */
export async function download(servers: readonly string[], key: string, cutAfterFirst = false): Promise<Downloaded> {
  return withClient(servers, async (client) => {
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    const progress: number[] = [];
    const target = new WritableStream<Uint8Array>({
      async write(piece) {
        pieces.push(piece.slice());
        if (cutAfterFirst && pieces.length === 1) await cutWire();
      },
    });
    const found = await client.get(key, target, { onProgress: (bytes) => void progress.push(bytes) });
    if (!found) throw new Error(`there is no ${key}`);
    await target.close();
    const whole = await new Blob(pieces).arrayBuffer();
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
    const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return { digest: hex, sizeBytes: whole.byteLength, pieces: pieces.length, progress };
  });
}

/** How a download fails. */
export async function failToDownload(servers: readonly string[], key: string): Promise<Failure> {
  try {
    await download(servers, key);
  } catch (thrown) {
    if (thrown instanceof KoboldError) return { code: thrown.code, message: thrown.message };
    throw thrown;
  }
  throw new Error("the download went well");
}

export async function list(servers: readonly string[], prefix: string): Promise<string[]> {
  const pool = new ClientPool({ servers });
  const names: string[] = [];
  for await (const entry of pool.client(NAMESPACE).list({ prefix, delimiter: "/", pageSize: 3 })) {
    names.push("prefix" in entry ? entry.prefix : entry.key);
  }
  await pool.close();
  return names;
}

/** Every other method once, on a file that is there: what each answered. */
export async function useEverything(servers: readonly string[], key: string): Promise<Record<string, unknown>> {
  return withClient(servers, async (client) => {
    const stat = await client.stat(key);
    const answers = {
      ping: await client.ping(),
      metadata: stat?.metadata,
      contentType: stat?.contentType,
      part: new TextDecoder().decode(await client.getBytes(key, { range: { offset: 1, length: 3 } })),
      copied: (await client.copy(key, `${key} copy`)).version > 0,
      renamed: (await client.rename(`${key} copy`, `${key} ä/../#?`)).version > 0,
      deleted: await client.delete(`${key} ä/../#?`),
      deletedAgain: await client.delete(`${key} ä/../#?`),
      absent: (await client.stat("no such key")) === undefined,
      step: await client.stat("..").catch((thrown: unknown) => (thrown as KoboldError).code),
    };
    return answers;
  });
}

async function withClient<T>(servers: readonly string[], work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(NAMESPACE, { servers, deadlineMs: 5_000 });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}
