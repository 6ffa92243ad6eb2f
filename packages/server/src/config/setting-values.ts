import { isIPv4 } from "node:net";
import { availableParallelism } from "node:os";
import { KoboldError } from "@koboldfs/protocol";

/** A secret that signs direct URLs, and the id under which they name it. */
export interface UrlKeyConfig {
  readonly id: string;
  readonly secret: string;
}

/** Where a server accepts connections. Port 0 lets the system choose a free one. */
export interface ListenAddress {
  /** Host name or address, an IPv6 address without its brackets. */
  readonly host: string;
  readonly port: number;
}

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export function invalid(message: string): KoboldError {
  return new KoboldError("config_invalid", message);
}

/** `HOST:PORT`, with an IPv6 address in brackets. */
export function parseListen(text: string): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || !(port <= 65_535))
    throw invalid(`not HOST:PORT (an IPv6 address stands in brackets): ${text}`);
  return { host, port };
}

export function formatListen({ host, port }: ListenAddress): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Whether only this machine can reach the address. */
export function isLoopback(host: string): boolean {
  if (isIPv4(host)) return host.startsWith("127.");
  return host === "::1" || host.toLowerCase() === "localhost";
}

/** Whether the address stands for every interface and so is nothing that a peer could connect to. */
export function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

/** Scheme, host and port of an http or https URL; a path would be lost on the way, so it is refused. */
export function parseServerUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url?.pathname === "/" && url.search === "" && url.hash === "" && url.username === "";
  if (url === undefined || !plain || !/^https?:$/.test(url.protocol)) throw invalid(`not http://HOST:PORT: ${text}`);
  return url.origin;
}

/** Origins of web pages, `https://HOST[:PORT]`, separated by commas; or `*` alone. Empty for none. */
export function parseOrigins(text: string): readonly string[] {
  const origins = text.split(",").map((one) => one.trim());
  if (origins.length === 1 && (origins[0] === "*" || origins[0] === "")) return origins.filter(Boolean);
  return origins.map(parseServerUrl);
}

/** `ID=SECRET`, both of what stands in a URL and in a web server's configuration as it is. */
export function parseUrlKey(text: string): UrlKeyConfig {
  const [, id, secret] = /^([A-Za-z0-9_-]{1,16})=([A-Za-z0-9_-]{16,128})$/.exec(text) ?? [];
  if (id === undefined || secret === undefined) {
    throw invalid("not ID=SECRET with 1 to 16 and 16 to 128 letters, digits, _ and -");
  }
  return { id, secret };
}

export function parseText(text: string): string {
  if (text.trim() === "") throw invalid("it is empty");
  return text;
}

export function parseBoolean(text: string): boolean {
  const value = { true: true, yes: true, on: true, "1": true, false: false, no: false, off: false, "0": false }[text];
  if (value === undefined) throw invalid(`neither true nor false: ${text}`);
  return value;
}

export function parseLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text);
  if (level === undefined) throw invalid(`not one of ${LOG_LEVELS.join(", ")}: ${text}`);
  return level;
}

/** A parser of decimal numbers between two bounds, both included. */
export function numberBetween(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) throw invalid(`not a number from ${least} to ${most}: ${text}`);
    return value;
  };
}

/** A parser of whole numbers between two bounds, both included. */
export function wholeNumberBetween(least: number, most: number): (text: string) => number {
  const parse = numberBetween(least, most);
  return (text) => {
    const value = parse(text);
    if (!Number.isInteger(value)) throw invalid(`not a whole number: ${text}`);
    return value;
  };
}

/** More than any machine that we know has cores for; each takes memory of its own. */
const MAX_WORKERS = 64;

/** A number of processes; `auto` is as many as this process may use cores. */
export function parseWorkers(text: string): number {
  return text === "auto" ? Math.min(availableParallelism(), MAX_WORKERS) : wholeNumberBetween(1, MAX_WORKERS)(text);
}
