import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { readUntil, type Surroundings } from "../surroundings.js";

const SERVE = fileURLToPath(new URL("./serve.js", import.meta.url));

export interface AppProcess {
  readonly url: string;
  readonly child: ChildProcess;
}

/** Starts the application; resolves when it listens. */
export async function startAlbum({ databaseUrl, servers }: Surroundings, port: number): Promise<AppProcess> {
  const env = { ...process.env, DATABASE_URL: databaseUrl, KOBOLDFS_SERVERS: servers.join(","), PORT: String(port) };
  const child = spawn(process.execPath, [SERVE], { env, stdio: ["ignore", "pipe", "inherit"] });
  const stop = () => child.kill();
  process.once("exit", stop);
  child.once("exit", () => process.off("exit", stop));
  const [url = ""] = /http:\S+/.exec(await readUntil(child, "http://")) ?? [];
  return { url, child };
}
