import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { WholeUploader, type WholeUpload } from "./whole-upload.js";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

describe("WholeUploader", () => {
  let server: Server | undefined;
  let uploader: WholeUploader | undefined;

  afterEach(async () => {
    uploader?.close();
    server?.closeAllConnections();
    server?.close();
    if (server?.listening) await once(server, "close");
  });

  async function startServer(handler: Handler): Promise<void> {
    server = createServer(handler).listen(0, "127.0.0.1");
    await once(server, "listening");
    uploader = new WholeUploader(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 4);
  }

  function upload(...bodies: string[]): WholeUpload {
    const chunks = bodies.map((body) => Buffer.from(body));
    const headers = {
      "content-length": String(chunks.reduce((sum, { length }) => sum + length, 0)),
      "x-name": "value",
    };
    if (uploader === undefined) throw new Error("the test started no server");
    return uploader.start({ method: "PUT", rawPath: "/a%2Fb", headers, chunks, maxAnswerBytes: 100 });
  }

  it("sends head and body as they were given, and brings the whole answer", async () => {
    let seen = "";
    await startServer((request, response) => {
      void readText(request).then((text) => {
        seen = `${request.method} ${request.url} ${request.headers["x-name"]} ${text}`;
        response.writeHead(200, { "x-answer": "1" }).end("stored");
      });
    });
    const { statusCode, headers, body } = await upload("one ", "two").answer;
    expect(seen).toBe("PUT /a%2Fb value one two");
    expect([statusCode, headers["x-answer"], String(body)]).toEqual([200, "1", "stored"]);
  });

  it("keeps the connection for the next one", async () => {
    const ports = new Set<number | undefined>();
    await startServer((request, response) => {
      ports.add(request.socket.remotePort);
      request.resume().on("end", () => response.end());
    });
    await upload("one").answer;
    await upload("two").answer;
    expect(ports.size).toBe(1);
  });

  it("brings the refusal of a server that does not wait for the body", async () => {
    await startServer((_request, response) => {
      response.writeHead(507, { connection: "close" }).end("full");
    });
    const { statusCode, body } = await upload("x".repeat(60_000)).answer;
    expect([statusCode, String(body)]).toEqual([507, "full"]);
  });

  it("fails with the reason when it is cut before the answer", async () => {
    let arrive = (_request: IncomingMessage) => {};
    const arrived = new Promise<IncomingMessage>((resolve) => {
      arrive = resolve;
    });
    await startServer((request) => arrive(request));
    const running = upload("one");
    const failure = running.answer.catch((error: unknown) => error);
    const { socket } = await arrived;
    const closed = once(socket, "close");
    running.cut(new Error("given up"));
    expect(await failure).toEqual(new Error("given up"));
    await closed;
  });

  it("fails when the connection ends within the answer", async () => {
    await startServer((request, response) => {
      request.resume();
      response.writeHead(200, { "content-length": "10" });
      response.write("half", () => response.destroy());
    });
    await expect(upload("one").answer).rejects.toThrow("aborted");
  });

  it("fails when the answer is longer than it may be", async () => {
    await startServer((request, response) => {
      request.resume().on("end", () => response.end("x".repeat(101)));
    });
    await expect(upload("one").answer).rejects.toThrow("longer than 100 bytes");
  });

  it("fails when nobody listens", async () => {
    await startServer(() => {});
    server?.close();
    await expect(upload("one").answer).rejects.toThrow("ECONNREFUSED");
  });
});

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
