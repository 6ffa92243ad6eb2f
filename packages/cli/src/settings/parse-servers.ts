import { UsageError } from "../usage-error.js";
import { splitServers } from "./client-settings.js";
import type { SettingValue } from "./profile-file.js";

const HINT = "A server is http://HOST:PORT or https://HOST:PORT; several are separated by commas.";

/** The servers of a setting. Throws a UsageError that says which one is none, and where it was written. */
export function parseServers({ text, origin }: SettingValue): string[] {
  return splitServers(text).map((server) => {
    const url = URL.canParse(server) ? new URL(server) : undefined;
    if (url?.protocol === "http:" || url?.protocol === "https:") {
      if (url.username === "" && url.password === "" && url.search === "" && url.hash === "") return server;
      throw new UsageError(`${JSON.stringify(url.origin)} (${origin}) stands with more than host, port and path`, HINT);
    }
    throw new UsageError(`${JSON.stringify(server)} (${origin}) is no server's URL: ${explain(server, url)}`, HINT);
  });
}

function explain(server: string, url: URL | undefined): string {
  if (server === "") return "it is empty";
  // `localhost:9876` parses as a URL of the scheme `localhost:`.
  if (!server.includes("://") && URL.canParse(`http://${server}`)) return `write http://${server}`;
  return url === undefined ? "it cannot be read" : `its scheme is ${url.protocol}//`;
}
