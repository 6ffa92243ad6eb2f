import { CLIENT_ADDRESS_HEADER } from "./client-address.js";

/** They are about one connection and not about the message (RFC 9110 section 7.6.1); each side says its own. */
const OF_THE_CONNECTION = new Set(["connection", "keep-alive", "proxy-connection", "upgrade"]);

/** Names and values in turn, as they came. */
export type RawHeaders = readonly string[];

/** What of a request's headers goes to the node process, and who sent it. */
export function passedRequestHeaders(raw: RawHeaders, client: string | undefined): string[] {
  const passed = pick(raw, (name) => !OF_THE_CONNECTION.has(name) && name !== CLIENT_ADDRESS_HEADER);
  if (client !== undefined) passed.push(CLIENT_ADDRESS_HEADER, client);
  return passed;
}

/**
 * What of an answer's headers goes to the client. That the connection ends with it is passed on: what the client still
 * sends would be taken for a request. How the body is framed is the business of each connection.
 */
export function passedReplyHeaders(raw: RawHeaders): string[] {
  return pick(raw, (name, value) => {
    if (name === "connection") return value.toLowerCase() === "close";
    return !OF_THE_CONNECTION.has(name) && name !== "transfer-encoding";
  });
}

export function pairsOf(raw: RawHeaders): [string, string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    pairs.push([raw[index] as string, raw[index + 1] as string]);
  }
  return pairs;
}

function pick(raw: RawHeaders, isPassed: (name: string, value: string) => boolean): string[] {
  return pairsOf(raw).flatMap(([name, value]) => (isPassed(name.toLowerCase(), value) ? [name, value] : []));
}
