import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { CHECKOUT } from "../documents/markdown-blocks.js";

/** What the page's imports mean. Nothing is bundled: an import of Node in the browser's modules fails as it stands. */
const IMPORTS = {
  "@koboldfs/client/browser": "/packages/client/dist/browser/index.js",
  "@koboldfs/protocol": "/packages/protocol/dist/index.js",
  "@noble/hashes/": "/node_modules/@noble/hashes/",
};
const PAGE = `<!doctype html>
<meta charset="utf-8">
<script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script>
<input type="file">
<script type="module">
  import * as script from "/tests/dist/browser/page-script.js";
  globalThis.script = script;
</script>
`;
/** Only what has been built, and the one library that the browser's modules import. */
const SERVED =
  /^\/(packages\/(client|protocol)\/dist|tests\/dist\/browser|node_modules\/@noble\/hashes)\/[\w./-]+\.js$/;

/** A web server with one page, which loads the client from this checkout. */
export class PageServer {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<PageServer> {
    const server = createServer((request, response) => {
      const path = request.url ?? "";
      if (path === "/") response.writeHead(200, { "content-type": "text/html" }).end(PAGE);
      else if (!SERVED.test(path) || path.includes("..")) response.writeHead(404).end();
      else {
        const headers = { "content-type": "text/javascript" };
        readFile(join(CHECKOUT, path)).then(
          (text) => response.writeHead(200, headers).end(text),
          () => response.writeHead(404).end(),
        );
      }
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new PageServer(server);
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
