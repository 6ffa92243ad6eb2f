import type { ChildProcess } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findOrInstallPrograms } from "@koboldfs/tools";
import { exitOf, spawnOwned } from "./owned-process.js";
import { mustRun, COMMAND } from "./run-program.js";
import { waitUntil } from "./wait-until.js";

export const nginxPrograms = () =>
  findOrInstallPrograms({ name: "nginx", programs: ["nginx"], packages: ["nginx-light"] });

/** A private nginx that is configured by `koboldfs web-server nginx`. */
export class NginxProcess {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#child = child;
  }

  /** `args` are those of `koboldfs web-server nginx`, without the port. */
  static async start(options: {
    readonly program: string;
    readonly folder: string;
    readonly port: number;
    readonly args: readonly string[];
    readonly env: Record<string, string>;
  }): Promise<NginxProcess> {
    const { program, folder, port, args, env } = options;
    mkdirSync(folder, { recursive: true });
    const printed = await mustRun(COMMAND, ["web-server", "nginx", "--port", String(port), ...args], { env });
    writeFileSync(join(folder, "koboldfs.conf"), printed);
    const file = join(folder, "nginx.conf");
    writeFileSync(file, formatMain(folder));
    const child = spawnOwned(program, ["-p", folder, "-e", join(folder, "error.log"), "-c", file], {
      stdio: "inherit",
    });
    const url = `http://127.0.0.1:${port}`;
    const answers = () =>
      fetch(`${url}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      );
    await waitUntil("nginx answers", answers);
    return new NginxProcess(url, child);
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    await exitOf(this.#child);
  }
}

/** What a distribution's nginx.conf says around ours; the tests' folders belong to root. */
function formatMain(folder: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${join(folder, kind)};`,
  );
  return [
    process.getuid?.() === 0 ? "user root;" : "",
    "daemon off;",
    `pid ${join(folder, "nginx.pid")};`,
    "worker_processes 1;",
    "events { worker_connections 256; }",
    "http {",
    "include /etc/nginx/mime.types;",
    "access_log off;",
    ...temporary,
    `include ${join(folder, "koboldfs.conf")};`,
    "}",
  ].join("\n");
}
