/**
 * Where the addresses of unfinished uploads are kept, so that another process can go on with them. A fingerprint is a
 * short text of hex digits; it stands for the cluster, the key, all options of the put, and the source as it is now: its
 * path, size and time of change. A failure here must not fail a put, so none of these should throw for a lack of room.
 */
export interface UploadMemory {
  /** The address that was kept last; undefined when there is none. */
  find(fingerprint: string): Promise<string | undefined>;
  keep(fingerprint: string, url: string): Promise<void>;
  /** The upload is finished, or of no use any more. */
  forget(fingerprint: string): Promise<void>;
}
