import { FOR_EVER, TOLD_HEADERS, listWarnings, type WebServerPlan } from "./web-server-plan.js";

const HEX = "[0-9a-f][0-9a-f]";
const BLOB = "$koboldfs_namespace/$koboldfs_first/$koboldfs_second/$koboldfs_digest";
const SECURITY = [
  'add_header X-Content-Type-Options "nosniff";',
  // Files come from users: none of them may act in this origin's name.
  'add_header Content-Security-Policy "sandbox";',
];

/** For nginx 1.18 and newer with its secure_link module, which every distribution's has. Goes into the http block. */
export function formatNginxConfig(plan: WebServerPlan): string {
  return [
    `# For nginx in front of the KoboldFS node ${plan.node}; made by 'koboldfs web-server nginx'.`,
    "# Belongs into the http block: /etc/nginx/conf.d/koboldfs.conf. It holds secrets: chmod 600.",
    ...listWarnings(plan).map((warning) => `# WARNING: ${warning}`),
    "",
    ...formatMaps(plan),
    "",
    "upstream koboldfs_node {",
    ...indent([`server ${plan.upstream};`, "keepalive 64;"]),
    "}",
    "",
    "server {",
    ...indent([
      `listen ${plan.port};`,
      "server_tokens off;",
      "sendfile on;",
      "",
      ...formatDirectLocation(plan),
      "",
      ...plan.blobFolders.flatMap((folder, volume) => [...formatAccelLocation(plan, { folder, volume }), ""]),
      ...formatProxyLocation(),
    ]),
    "}",
    "",
  ].join("\n");
}

/** What may be known to all: which key a URL is signed with, which namespaces need none, and what follows. */
function formatMaps({ urlKeys, publicNamespaces }: WebServerPlan): string[] {
  const keys = urlKeys.map(({ id, secret }) => `${quote(id)} ${quote(secret)};`);
  return [
    ...block("map $arg_k $koboldfs_secret", ['default "";', ...keys]),
    ...block("map $arg_k $koboldfs_known", ["default 0;", ...urlKeys.map(({ id }) => `${quote(id)} 1;`)]),
    ...block("map $koboldfs_namespace $koboldfs_public", [
      "default 0;",
      ...publicNamespaces.map((name) => `${quote(name)} 1;`),
    ]),
    // $secure_link is 1 for a good signature, 0 for an expired one, empty for any other.
    ...block('map "$koboldfs_public$koboldfs_known$secure_link" $koboldfs_verdict', [
      "default forbidden;",
      "~^1 good;",
      "011 good;",
      "010 expired;",
    ]),
    ...block("map $koboldfs_public $koboldfs_cache", [`default "private, ${FOR_EVER}";`, `1 "public, ${FOR_EVER}";`]),
  ];
}

function formatDirectLocation({ blobFolders }: WebServerPlan): string[] {
  const path = [
    "(?<koboldfs_namespace>[a-z0-9._-]+)",
    `(?<koboldfs_first>${HEX})`,
    `(?<koboldfs_second>${HEX})`,
    "(?<koboldfs_digest>[0-9a-f]{64})",
    "(?<koboldfs_name>[^/]+)",
  ].join("/");
  const [first = "", ...others] = blobFolders;
  return block(`location ~ "^/direct/${path}$"`, [
    "# Bytes straight from the disk. The URL is signed over namespace, digest, file name and expiry.",
    "limit_except GET { deny all; }",
    "secure_link $arg_s,$arg_e;",
    'secure_link_md5 "$secure_link_expires $koboldfs_namespace/$koboldfs_digest/$koboldfs_name $koboldfs_secret";',
    "if ($koboldfs_verdict = forbidden) { return 403; }",
    "if ($koboldfs_verdict = expired) { return 410; }",
    `set $koboldfs_blobs ${quote(first)};`,
    ...others.map((folder) => `if (-f ${quote(`${folder}/${BLOB}`)}) { set $koboldfs_blobs ${quote(folder)}; }`),
    `alias $koboldfs_blobs/${BLOB};`,
    "default_type application/octet-stream;",
    "add_header Cache-Control $koboldfs_cache;",
    ...SECURITY,
  ]);
}

function formatAccelLocation(
  { accelPrefix }: WebServerPlan,
  { folder, volume }: { folder: string; volume: number },
): string[] {
  return block(`location ${accelPrefix}${volume}/`, [
    "# Where the node sends those whom it allowed to read a file.",
    "internal;",
    `alias ${quote(`${folder}/`)};`,
    "etag off;",
    ...TOLD_HEADERS.map((name) => `add_header ${name} $upstream_http_${name.toLowerCase().replaceAll("-", "_")};`),
  ]);
}

function formatProxyLocation(): string[] {
  return block("location /", [
    "proxy_pass http://koboldfs_node;",
    "proxy_http_version 1.1;",
    'proxy_set_header Connection "";',
    "proxy_set_header Host $http_host;",
    "proxy_set_header X-Forwarded-For $remote_addr;",
    "proxy_set_header X-Forwarded-Proto $scheme;",
    "proxy_set_header X-Sendfile-Type X-Accel-Redirect;",
    "# Uploads go through as they come, however large; the node says what it does not take.",
    "client_max_body_size 0;",
    "proxy_request_buffering off;",
    "proxy_buffering off;",
    "# A commit may wait for a lock; a reader of changes waits for the next one.",
    "proxy_read_timeout 120s;",
    "proxy_send_timeout 120s;",
  ]);
}

function block(head: string, lines: readonly string[]): string[] {
  return [`${head} {`, ...indent(lines), "}"];
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => (line === "" ? "" : `    ${line}`));
}

/** Paths and secrets are ours or the operator's; what would end a string of nginx is escaped all the same. */
function quote(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
