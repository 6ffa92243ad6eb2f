import type { IncomingMessage } from "node:http";
import { KeptConnection } from "./kept-connection.js";
import type { NodeProcess } from "./node-process.js";
import { filePath } from "./raw-files.js";

/** A put whose body does not come; every other one on a connection of a reader. */
export function holdUpload(
  { url }: NodeProcess,
  key: string,
  index: number,
): { reply: () => number; close: () => void } {
  let status = 0;
  const note = (response: IncomingMessage) => {
    status = response.statusCode ?? 0;
    response.resume();
  };
  const headers = { "content-length": "10" };
  const closing = new AbortController();
  const begin = async () => {
    const connection = index % 2 === 0 ? await KeptConnection.ofReader(url) : new KeptConnection(url);
    const call = connection.open({ method: "PUT", path: filePath(key), headers });
    call.on("response", note).on("error", () => {});
    call.write("12345");
    closing.signal.addEventListener("abort", () => {
      call.destroy();
      connection.close();
    });
  };
  void begin();
  return { reply: () => status, close: () => closing.abort() };
}
