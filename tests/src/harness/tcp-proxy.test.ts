import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TcpProxy } from "./tcp-proxy.js";
import { waitUntil } from "./wait-until.js";

describe("TcpProxy", () => {
  let echo: Server;
  let proxy: TcpProxy;
  const sockets: Socket[] = [];
  let echoedBytes = 0;

  beforeEach(async () => {
    echoedBytes = 0;
    echo = createServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => {});
      socket.pipe(socket);
      socket.on("data", (chunk: Buffer) => {
        echoedBytes += chunk.length;
      });
    });
    echo.listen(0, "127.0.0.1");
    await once(echo, "listening");
    proxy = await TcpProxy.start({ host: "127.0.0.1", port: (echo.address() as AddressInfo).port });
  });

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await proxy.close();
    echo.close();
  });

  function dial(): Caller {
    const socket = connect(proxy.port, "127.0.0.1");
    sockets.push(socket);
    return new Caller(socket);
  }

  it("passes bytes both ways and in order", async () => {
    const caller = dial();
    const text = "0123456789".repeat(100_000);
    caller.socket.write(text);
    await waitUntil("all bytes are back", () => caller.received.length === text.length);
    expect(caller.received).toBe(text);
  });

  it("keeps the order of bytes that it delays", async () => {
    proxy.delay(5);
    const caller = dial();
    for (const word of ["one ", "two ", "three"]) caller.socket.write(word);
    await waitUntil("all words are back", () => caller.received.length === 13);
    expect(caller.received).toBe("one two three");
  });

  it("swallows bytes as a black hole and delivers them once it is healed", async () => {
    const caller = dial();
    caller.socket.write("before ");
    await waitUntil("the first bytes are back", () => caller.received === "before ");
    proxy.blackHole();
    caller.socket.write("meanwhile ");
    const late = dial();
    late.socket.write("late");
    await waitUntil("the late connection is accepted", () => proxy.connectionCount === 2);
    expect([caller.received, late.received]).toEqual(["before ", ""]);
    proxy.heal();
    await waitUntil("held bytes are back", () => caller.received === "before meanwhile " && late.received === "late");
  });

  it("resets connections when it is cut, refuses new ones, and passes again when healed", async () => {
    const old = dial();
    old.socket.write("x");
    await waitUntil("the connection works", () => old.received === "x");
    proxy.cut();
    await waitUntil("the old connection is gone", () => old.closed);
    const refused = dial();
    refused.socket.write("x");
    await waitUntil("the new connection is gone", () => refused.closed);
    proxy.heal();
    const fresh = dial();
    fresh.socket.write("y");
    await waitUntil("a fresh connection works", () => fresh.received === "y");
    expect(refused.received).toBe("");
  });

  it("takes what callers send and lets nothing of the answers through while it is deaf", async () => {
    const caller = dial();
    caller.socket.write("before ");
    await waitUntil("the first bytes are back", () => caller.received === "before ");
    proxy.deafen();
    const late = dial();
    late.socket.write("late");
    await waitUntil("the late bytes reach the other side", () => echoedBytes === "before late".length);
    expect([caller.received, late.received]).toEqual(["before ", ""]);
    proxy.heal();
    await waitUntil("the answer is back", () => late.received === "late");
  });

  it("cuts each new connection in the middle of what it carries", async () => {
    proxy.cutAfter(100_000);
    const caller = dial();
    caller.socket.write("x".repeat(1_000_000));
    await waitUntil("the connection is gone", () => caller.closed);
    expect(caller.received.length).toBeLessThan(100_000);
    proxy.heal();
    const fresh = dial();
    fresh.socket.write("y");
    await waitUntil("a fresh connection works", () => fresh.received === "y");
  });

  it("carries no more than its limit", async () => {
    proxy.limit(1_000_000);
    const caller = dial();
    const beganMs = performance.now();
    caller.socket.write("x".repeat(300_000));
    await waitUntil("all bytes are back", () => caller.received.length === 300_000);
    expect(performance.now() - beganMs).toBeGreaterThan(250);
  });

  it("passes the end of one side on and keeps the other open", async () => {
    const caller = dial();
    caller.socket.end("bye");
    await waitUntil("the echo ended too", () => caller.ended);
    expect(caller.received).toBe("bye");
  });
});

class Caller {
  readonly socket: Socket;
  received = "";
  closed = false;
  ended = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => {
      this.received += text;
    });
    socket.on("end", () => {
      this.ended = true;
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.closed = true;
    });
  }
}
