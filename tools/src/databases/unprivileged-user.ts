import { execFileSync } from "node:child_process";
import { constants } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";

/** Whom a database server runs as: neither PostgreSQL nor MariaDB runs as root. */
export interface UnprivilegedUser {
  readonly uid: number;
  readonly gid: number;
}

/** `nobody` when we are root, else undefined: we ourselves will do. */
export function findUnprivilegedUser(): UnprivilegedUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string) => Number(execFileSync("id", [flag, "nobody"], { encoding: "utf8" }));
  return { uid: idOf("-u"), gid: idOf("-g") };
}

/** Whether others may enter every folder above `path`: a checkout under /root, for one, is closed to them. */
export async function isReachableByOthers(path: string): Promise<boolean> {
  const parent = dirname(path);
  if (parent === path) return true;
  const mode = (await stat(parent)).mode;
  return (mode & constants.S_IXOTH) !== 0 && isReachableByOthers(parent);
}
