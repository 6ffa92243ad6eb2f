import { randomBytes } from "node:crypto";
import { ClientPool } from "@koboldfs/client";
import { NAMESPACE } from "../subjects/koboldfs.js";

const PUTS_AT_ONCE = 16;

/** Files of random bytes, `PREFIX 0`, `PREFIX 1`, and so on. */
export interface FilesToPut {
  readonly prefix: string;
  readonly files: number;
  readonly sizeBytes: number;
}

/** Puts files of one size after the other, sixteen at once. */
export async function putFiles(url: string, { prefix, files, sizeBytes }: FilesToPut): Promise<void> {
  const pool = new ClientPool({ servers: [url], maxInFlight: PUTS_AT_ONCE });
  try {
    const client = pool.client(NAMESPACE);
    let next = 0;
    const lane = async () => {
      for (let file = next++; file < files; file = next++)
        await client.put(`${prefix} ${file}`, randomBytes(sizeBytes));
    };
    await Promise.all(Array.from({ length: PUTS_AT_ONCE }, lane));
  } finally {
    await pool.close();
  }
}
