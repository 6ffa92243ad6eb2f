import { createServer } from "node:net";

/** A port for each node: those from `first` downwards where they are free, others where they are not. */
export async function chooseDemoPorts(first: number, count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const wanted = first - index;
    ports.push((await findFreePort(wanted)) ?? (await findFreePort(0)) ?? wanted);
  }
  return ports;
}

/** The port if nobody listens on it (0 is any), else undefined. */
function findFreePort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? address?.port : undefined));
    });
  });
}
