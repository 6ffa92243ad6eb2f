import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createNetServer } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "../../runtime/logger.js";
import type { Patience } from "../node-server.js";
import { createReaderServer } from "./create-reader-server.js";
import { NodeLink } from "./node-link.js";

/** A reader that hands everything on, over real sockets. */
export interface TestReader {
  readonly port: number;
  readonly link: NodeLink;
  close(): Promise<void>;
}

/** `path` is that of the node process's socket. */
export async function startTestReader(path: string, patience: Patience = {}): Promise<TestReader> {
  const link = new NodeLink({ path, log: silentLogger });
  const reader = createReaderServer({
    handler: { handle: (exchange) => link.handOn(exchange) },
    maxRunning: 100,
    ...patience,
  });
  const door = createNetServer({ allowHalfOpen: true }, (connection) => reader.take(connection));
  await new Promise<void>((resolve) => door.listen(0, "127.0.0.1", resolve));
  return {
    port: (door.address() as AddressInfo).port,
    link,
    async close() {
      door.close();
      await reader.stop();
      link.close();
    },
  };
}

/** A node process that answers as a test says. */
export interface ScriptedNode {
  readonly path: string;
  /** What answers from now on. */
  answer: (request: IncomingMessage, response: ServerResponse) => void;
  close(): void;
}

export async function startScriptedNode(): Promise<ScriptedNode> {
  const folder = mkdtempSync(join(tmpdir(), "koboldfs-test-"));
  const path = join(folder, "node.sock");
  const script: ScriptedNode = {
    path,
    answer: (_request, response) => void response.end(),
    close() {
      server.close();
      server.closeAllConnections();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  const listener: RequestListener = (request, response) => script.answer(request, response);
  // Who expects a 100 gets one when the script says so, and not from Node.
  const server: Server = createServer(listener).on("checkContinue", listener);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return script;
}
