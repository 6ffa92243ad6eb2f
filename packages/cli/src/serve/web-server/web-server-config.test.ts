import { describe, expect, it } from "vitest";
import { formatApacheConfig } from "./apache-config.js";
import { formatCaddyConfig } from "./caddy-config.js";
import { formatNginxConfig } from "./nginx-config.js";
import type { WebServerPlan } from "./web-server-plan.js";

const PLAN: WebServerPlan = {
  node: "alpha",
  upstream: "127.0.0.1:9876",
  blobFolders: ["/srv/one/blobs", '/srv/"two"/blobs'],
  accelPrefix: "/koboldfs-accel/",
  isAccelerated: true,
  isOpen: false,
  urlKeys: [
    { id: "2", secret: "the-newer-secret-of-urls" },
    { id: "1", secret: "the-older-secret-of-urls" },
  ],
  port: 8080,
  publicNamespaces: ["site"],
};

describe("the configuration of a web server", () => {
  it.each([
    ["nginx.conf", formatNginxConfig],
    ["Caddyfile", formatCaddyConfig],
    ["apache.conf", formatApacheConfig],
  ] as const)("is %s", async (file, format) => {
    await expect(format(PLAN)).toMatchFileSnapshot(`../../../src/serve/web-server/golden/${file}`);
  });

  it.each([formatNginxConfig, formatCaddyConfig, formatApacheConfig])(
    "warns where the node is open to all, or sends all bytes itself",
    (format) => {
      expect(format(PLAN)).not.toContain("WARNING");
      expect(format({ ...PLAN, isOpen: true, isAccelerated: false }).match(/# WARNING: .*/g)).toEqual([
        "# WARNING: The node's setting accel is off: set it, or all bytes pass through the node.",
        "# WARNING: The node asks for no token, so everybody who reaches the web server may do everything: set token.",
      ]);
    },
  );
});
