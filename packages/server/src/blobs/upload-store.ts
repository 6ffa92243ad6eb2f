import type { UploadId, UploadOutcome, UploadRecord } from "../model/upload.js";

/**
 * More bytes for one upload, on their way in behind those that are durable. At most one for an upload at a time: the
 * caller sees to that. After a failure only `close` is left to call.
 */
export interface UploadAppend {
  /** Takes the next bytes; resolves when more may come (back-pressure). The caller does not change the chunk afterwards. */
  write(chunk: Uint8Array): Promise<void>;
  /** Durable when it resolves: the bytes, and a record that counts them. Answers that record. */
  checkpoint(expiresMs: number): Promise<UploadRecord>;
  /** Forgets what came behind the last checkpoint, bytes included. Idempotent. Never throws. */
  close(): Promise<void>;
}

/**
 * The bytes of uploads that are not complete yet, and what is known of each. A record never counts bytes that are not
 * durable, whatever the process or the machine dies of. All throw `disk_full` and `disk_failed`.
 */
export interface UploadStore {
  /**
   * Every upload that is here. Called once, first. Removes what belongs to none; an upload whose bytes were lost begins
   * at zero again, since a disk that lost some is not believed about the others.
   */
  load(): Promise<UploadRecord[]>;
  /** Durable when it resolves. The whole size must fit beside what is still to come of other uploads. */
  create(record: UploadRecord): Promise<void>;
  /** Goes on behind the last checkpoint of `record`, which is the newest. */
  append(record: UploadRecord): Promise<UploadAppend>;
  /** The bytes that the record counts. Throws `digest_mismatch` before the last of them when they changed meanwhile. */
  read(record: UploadRecord): AsyncIterable<Uint8Array>;
  /** Notes what became of it, durably, and removes the bytes. Answers the record with the outcome. */
  settle(record: UploadRecord, outcome: UploadOutcome): Promise<UploadRecord>;
  /** Removes record and bytes; false when there is no such upload. */
  remove(id: UploadId): Promise<boolean>;
}
