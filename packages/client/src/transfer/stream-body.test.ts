import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { StreamBody } from "./stream-body.js";

const MIB = 1024 * 1024;

async function readAll(body: StreamBody): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body.read()) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function* pieces(count: number, sizeBytes: number): AsyncGenerator<Buffer> {
  for (let index = 0; index < count; index += 1) yield Buffer.alloc(sizeBytes, index);
}

describe("a stream as source", () => {
  it("can be read again while its beginning is all that was read", async () => {
    const body = new StreamBody(Readable.from(["one ", "two ", "three"]));
    const first = body.read()[Symbol.asyncIterator]();
    expect((await first.next()).value?.toString()).toBeDefined();
    expect(await readAll(body)).toBe("one two three");
    expect(await readAll(body)).toBe("one two three");
  });

  it("says source_consumed instead of sending the rest as if it were the whole", async () => {
    const body = new StreamBody(pieces(3, MIB));
    await readAll(body);
    await expect(readAll(body)).rejects.toMatchObject({ code: "source_consumed" });
  });

  it("hands a piece that an abandoned reader waited for to the next reader", async () => {
    let give: (text: string) => void = () => {};
    const slow = new Promise<string>((resolve) => {
      give = resolve;
    });
    async function* source(): AsyncGenerator<string> {
      yield "first ";
      yield await slow;
    }
    const body = new StreamBody(source());
    const abandoned = body.read()[Symbol.asyncIterator]();
    await abandoned.next();
    const stuck = abandoned.next();
    const whole = readAll(body);
    give("second");
    expect(await whole).toBe("first second");
    expect((await stuck).done).toBe(true);
  });

  it("tells the failure of the stream as source_unreadable with its cause", async () => {
    async function* source(): AsyncGenerator<string> {
      yield "something";
      throw new Error("the disk is gone");
    }
    await expect(readAll(new StreamBody(source()))).rejects.toMatchObject({
      code: "source_unreadable",
      cause: new Error("the disk is gone"),
    });
  });

  it("closes the stream when it is closed before the end", async () => {
    const stream = Readable.from(pieces(100, 10));
    const body = new StreamBody(stream);
    await body.read()[Symbol.asyncIterator]().next();
    await body.close();
    expect(stream.destroyed).toBe(true);
  });
});
