import { createServer, type Server } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openConnection, send } from "../../http/raw-client.js";
import { FrontDoor, type FrontDoorOptions, type Seat } from "./front-door.js";

/** A process that says who it is. */
class NamedSeat implements Seat {
  readonly server: Server;
  connections = 0;

  constructor(name: string) {
    this.server = createServer((_request, response) => void response.end(name));
  }

  take(connection: Socket, head: Buffer): void {
    this.connections += 1;
    connection.once("close", () => {
      this.connections -= 1;
    });
    connection.unshift(head);
    this.server.emit("connection", connection);
    connection.resume();
  }
}

const FILE = "/v1/files/demo/k";

let readers: NamedSeat[];
let door: FrontDoor;
let port: number;
const openDoor = (more: Partial<FrontDoorOptions> = {}) => {
  const own = createServer((_request, response) => void response.end("node"));
  readers = [new NamedSeat("one"), new NamedSeat("two")];
  return new FrontDoor({
    own: (connection) => void own.emit("connection", connection),
    readers: () => readers,
    maxConnections: 6,
    ...more,
  });
};
beforeEach(async () => {
  door = openDoor();
  ({ port } = await door.listen({ host: "127.0.0.1", port: 0 }));
});
afterEach(() => door.close());

/** Who answers a request on a connection that stays. */
async function whoAnswers(path: string, method = "GET"): Promise<{ name: string; socket: Socket }> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  const name = await new Promise<string>((resolve) => {
    let text = "";
    socket.on("close", () => resolve("nobody"));
    socket.on("data", (chunk) => {
      text += chunk.toString();
      const body = /\r\n\r\n.*?(node|one|two)/s.exec(text)?.[1];
      if (body !== undefined) resolve(body);
    });
    socket.write(`${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`);
  });
  return { name, socket };
}

it("gives reads of files to whoever has the fewest connections, and keeps everything else", async () => {
  const seen = [];
  for (let index = 0; index < 5; index += 1) seen.push(await whoAnswers(FILE));
  expect(seen.map(({ name }) => name).toSorted()).toEqual(["node", "one", "one", "two", "two"]);
  for (const { socket } of seen) socket.destroy();
  await expect.poll(() => door.own + readers[0]!.connections + readers[1]!.connections).toBe(0);
  for (const [path, method] of [[FILE, "PUT"], ["/v1/node/x"], ["/healthz"]] as const) {
    const { name, socket } = await whoAnswers(path, method);
    expect(name).toBe("node");
    socket.destroy();
  }
});

it("serves alone while there is no reader", async () => {
  readers = [];
  expect((await send(port, { path: FILE })).text).toBe("node");
});

it("takes no more connections than one process would", async () => {
  const silent = connect(port, "127.0.0.1");
  const seen = [];
  for (let index = 0; index < 5; index += 1) seen.push(await whoAnswers(FILE));
  expect(seen.every(({ name }) => name !== "nobody")).toBe(true);
  expect((await whoAnswers(FILE)).name).toBe("nobody");
  silent.destroy();
  await expect.poll(async () => (await whoAnswers(FILE)).name).not.toBe("nobody");
  for (const { socket } of seen) socket.destroy();
});

it("is silent to who is silent, and cuts it when it closes", async () => {
  const { received } = openConnection(port);
  const { socket: finished, received: nothing } = openConnection(port);
  finished.end();
  expect(await nothing).toBe("");
  door.close();
  expect(await received).toBe("");
});

it("cuts who says nothing for too long, and leaves who said something to its process", async () => {
  const impatient = openDoor({ headersMs: 200 });
  const { port: there } = await impatient.listen({ host: "127.0.0.1", port: 0 });
  const half = openConnection(there);
  half.socket.write(`GET ${FILE} HTTP/1.1\r\nHost: x\r\n`);
  expect(await openConnection(there).received).toBe("");
  half.socket.end("Connection: close\r\n\r\n");
  expect(await half.received).toMatch(/^HTTP\/1\.1 200 /);
  impatient.close();
});
