import { listWarnings, type WebServerPlan } from "./web-server-plan.js";

/** For Apache 2.4 with mod_proxy_http, mod_headers and mod_xsendfile. The node checks signed URLs, Apache sends the bytes. */
export function formatApacheConfig(plan: WebServerPlan): string {
  const { blobFolders, node, port, upstream } = plan;
  return [
    `# For Apache in front of the KoboldFS node ${node}; made by 'koboldfs web-server apache'.`,
    "# a2enmod proxy_http headers xsendfile",
    ...listWarnings(plan).map((warning) => `# WARNING: ${warning}`),
    `Listen ${port}`,
    `<VirtualHost *:${port}>`,
    "    # Keys are opaque: slashes and dots in them must reach the node as they are.",
    "    AllowEncodedSlashes NoDecode",
    "    MergeSlashes Off",
    "    LimitRequestBody 0",
    "    ProxyRequests Off",
    `    ProxyPass "/" "http://${upstream}/" nocanon timeout=120 flushpackets=on`,
    '    RequestHeader set X-Sendfile-Type "X-Sendfile"',
    "    XSendFile On",
    ...blobFolders.map((folder) => `    XSendFilePath ${JSON.stringify(folder)}`),
    "</VirtualHost>",
    "",
  ].join("\n");
}
