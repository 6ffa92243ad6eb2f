import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Workload } from "../workload.js";
import { Child, findAnswer, findFreePort } from "./child.js";
import type { RunningSubject, Subject, SubjectContext } from "./subject.js";

/** nginx with WebDAV put and static get: one copy, no fsync. The yardstick of gets and of one-copy puts. */
export const nginxSubject: Subject = {
  name: "nginx",
  title: "nginx: WebDAV put (1 copy, no fsync), static get",
  yardstickFor: () => "nginx",
  async start(context) {
    const server = await startNginx(context.folder);
    return runningSubject(context.folder, [server]);
  },
};

/** nginx that mirrors each put to a second nginx: two copies, no fsync. The raw limit of two-copy puts. */
export const mirroredNginxSubject: Subject = {
  name: "nginx-mirrored",
  title: "nginx mirroring to a second nginx (2 copies, no fsync)",
  yardstickFor: ({ operation }: Workload) => (operation === "put" ? "nginx-mirrored" : undefined),
  async start({ folder }: SubjectContext) {
    const second = await startNginx(join(folder, "second"));
    const first = await startNginx(join(folder, "first"), second.port);
    return runningSubject(folder, [first, second]);
  },
};

interface NginxServer {
  readonly child: Child;
  readonly port: number;
}

function runningSubject(folder: string, servers: readonly NginxServer[]): RunningSubject {
  const urls = servers.map(({ port }) => `http://127.0.0.1:${port}/`);
  return {
    folder,
    processes: servers.map(({ child }) => child.pid),
    folderUrls: urls.slice(0, 1),
    copyUrls: urls,
    stop: async () => {
      await Promise.all(servers.map(({ child }) => child.stop()));
    },
  };
}

/** A private nginx: its own prefix, its own port, its master our child. */
async function startNginx(folder: string, mirrorPort?: number): Promise<NginxServer> {
  await mkdir(join(folder, "files"), { recursive: true });
  const port = await findFreePort();
  const file = join(folder, "nginx.conf");
  await writeFile(file, formatConfig(folder, port, mirrorPort));
  const args = ["-p", folder, "-e", join(folder, "error.log"), "-c", file];
  const child = new Child({ title: "nginx", command: "nginx", args });
  await child.waitFor(() => findAnswer(`http://127.0.0.1:${port}/`));
  return { child, port };
}

/**
 * Bodies lie in the same file system as the files, so that a put ends in a rename, and the buffer is large enough that
 * a small body is written by one call: this is nginx at its best.
 *
 * `client_body_in_file_only` is needed beside `mirror`, which reads the body before the WebDAV module can say that it
 * wants a file. nginx takes a connection's next request only when the mirrored one was answered too, so a finished
 * request means two copies.
 */
function formatConfig(folder: string, port: number, mirrorPort: number | undefined): string {
  const user = process.getuid?.() === 0 ? "user root;" : "";
  const mirror = formatMirror(mirrorPort);
  return `${user}
daemon off;
worker_processes auto;
pid ${folder}/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  keepalive_requests 1000000000;
  client_max_body_size 0;
  client_body_buffer_size 128k;
  ${formatTemporaryPaths(folder).join("\n  ")}
  ${mirror.upstream}
  server {
    listen 127.0.0.1:${port};
    root ${folder}/files;
    location / {
      dav_methods PUT DELETE;
      create_full_put_path on;
      ${mirror.directives}
    }
    ${mirror.location}
  }
}
`;
}

/** Where an nginx of our own keeps what it buffers: all that its distribution would set lies in folders of the system. */
export function formatTemporaryPaths(folder: string): string[] {
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return kinds.map((kind) => `${kind}_temp_path ${join(folder, kind)};`);
}

function formatMirror(port: number | undefined): { upstream: string; directives: string; location: string } {
  if (port === undefined) return { upstream: "", directives: "", location: "" };
  // Without tcp_nopush the head of a small mirrored put waits 40 ms for its body; static gets are better without it.
  return {
    upstream: `upstream second { server 127.0.0.1:${port}; keepalive 64; keepalive_requests 1000000000; }`,
    directives: "mirror /mirror; client_body_in_file_only on; tcp_nopush on;",
    location: `location = /mirror {
      internal;
      tcp_nopush on;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_pass http://second$request_uri;
    }`,
  };
}
