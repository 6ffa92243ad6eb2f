/** Below it stands what `probe.ts` says to whoever traces the system calls of its process: `query`, or `heap/BYTES`. */
export const MARK_FOLDER = "/koboldfs-probe/";
