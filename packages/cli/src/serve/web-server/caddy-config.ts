import { TOLD_HEADERS, listWarnings, type WebServerPlan } from "./web-server-plan.js";

/** For Caddy 2.6 and newer. It has no signed URLs of its own, so the node checks those, and Caddy sends the bytes. */
export function formatCaddyConfig(plan: WebServerPlan): string {
  const { accelPrefix, blobFolders, node, port, upstream } = plan;
  const volumes = blobFolders.flatMap((folder, volume) => [
    `handle_path ${accelPrefix}${volume}/* {`,
    `\troot * ${JSON.stringify(folder)}`,
    "\tfile_server",
    "}",
  ]);
  return [
    `# For Caddy in front of the KoboldFS node ${node}; made by 'koboldfs web-server caddy'. Belongs into the Caddyfile.`,
    ...listWarnings(plan).map((warning) => `# WARNING: ${warning}`),
    `:${port} {`,
    `\treverse_proxy ${upstream} {`,
    "\t\theader_up X-Sendfile-Type X-Accel-Redirect",
    "\t\tflush_interval -1",
    "\t\t@accel header X-Accel-Redirect *",
    "\t\thandle_response @accel {",
    "\t\t\tcopy_response_headers {",
    `\t\t\t\tinclude Content-Type Cache-Control ${TOLD_HEADERS.join(" ")}`,
    "\t\t\t}",
    "\t\t\t# Caddy puts an entity tag of its own in place of the digest; Repr-Digest stays.",
    "\t\t\trewrite * {rp.header.X-Accel-Redirect}",
    ...volumes.map((line) => `\t\t\t${line}`),
    "\t\t}",
    "\t}",
    "}",
    "",
  ].join("\n");
}
