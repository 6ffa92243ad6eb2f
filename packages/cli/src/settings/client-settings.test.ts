import { describe, expect, it } from "vitest";
import { UsageError } from "../usage-error.js";
import { resolveClientSettings } from "./client-settings.js";
import { maskToken } from "./mask-token.js";
import { parseServers } from "./parse-servers.js";
import { ProfileFile } from "./profile-file.js";

const TEXT = `; whoever names no profile
server = http://home:9876
token = home-token # its own

[backup]
server = http://b1:9876, http://b2:9876/
token = "backup;token"
`;

const profiles = ProfileFile.parse(TEXT, "/p.ini");

describe("the command's settings", () => {
  it("come from the profile, with file and line, and otherwise from the defaults", () => {
    expect(resolveClientSettings({ flags: {}, env: {}, profiles })).toEqual({
      profile: { text: "default", origin: "default" },
      server: { text: "http://home:9876", origin: "/p.ini:2" },
      token: { text: "home-token", origin: "/p.ini:3" },
    });
    expect(resolveClientSettings({ flags: {}, env: {}, profiles: ProfileFile.none("/p.ini") })).toEqual({
      profile: { text: "default", origin: "default" },
      server: { text: "http://127.0.0.1:9876", origin: "default" },
    });
  });

  it("let flags win over the environment, and the environment over the profile", () => {
    const env = { KOBOLDFS_SERVER: "http://e", KOBOLDFS_TOKEN: "e", KOBOLDFS_PROFILE: "backup" };
    const settings = resolveClientSettings({ flags: { server: "http://f" }, env, profiles });
    expect(settings).toEqual({
      profile: { text: "backup", origin: "environment KOBOLDFS_PROFILE" },
      server: { text: "http://f", origin: "--server" },
      token: { text: "e", origin: "environment KOBOLDFS_TOKEN" },
    });
  });

  it("let a profile that was named on the command line win over the environment", () => {
    const env = { KOBOLDFS_SERVER: "http://e", KOBOLDFS_TOKEN: "e" };
    expect(resolveClientSettings({ flags: { profile: "backup" }, env, profiles })).toMatchObject({
      server: { text: "http://b1:9876, http://b2:9876/", origin: "/p.ini:6" },
      token: { text: "backup;token", origin: "/p.ini:7" },
    });
  });

  it("send a profile's token to no other servers than its own", () => {
    const away = resolveClientSettings({ flags: { profile: "backup", server: "http://other" }, env: {}, profiles });
    expect(away.token).toBeUndefined();
    expect(away.withheldToken?.text).toBe("backup;token");
    const own = resolveClientSettings({ flags: { profile: "backup", server: "http://b2:9876" }, env: {}, profiles });
    expect(own.token?.text).toBe("backup;token");
  });

  it("take an empty variable as none", () => {
    const env = { KOBOLDFS_SERVER: "", KOBOLDFS_TOKEN: "" };
    expect(resolveClientSettings({ flags: {}, env, profiles }).server.origin).toBe("/p.ini:2");
  });
});

describe("a file of profiles", () => {
  it.each([
    ["[a b]\n", /:1: a profile's name/],
    ["\nserver = x\nserver = y\n", /:3: server is given twice \(\/p.ini:2\)/],
    ["tokn = secret-value\n", /:1: not \[PROFILE\].*"tokn" \(did you mean token\?\)$/],
    ["token =\n", /:1: not/],
    ["just words\n", /:1: not.*"just words"$/],
  ])("is refused with the line: %j", (text, message) => {
    expect(() => ProfileFile.parse(text, "/p.ini")).toThrow(UsageError);
    expect(() => ProfileFile.parse(text, "/p.ini")).toThrow(message);
  });

  it("tells which profiles there are when one is wanted that is not", () => {
    expect(() => profiles.get("none", "--profile")).toThrow(/no profile "none" \(--profile\).*default, backup/);
  });
});

describe("the servers", () => {
  const parse = (text: string) => parseServers({ text, origin: "--server" });

  it("are split at commas, without slashes at their ends", () => {
    expect(parse("http://a:1, https://b/under/")).toEqual(["http://a:1", "https://b/under"]);
  });

  it.each([
    ["ftp://a", /its scheme is ftp:\/\//],
    ["localhost:9876", /write http:\/\/localhost:9876/],
    ["10.0.0.1:9876", /write http:\/\/10.0.0.1:9876/],
    ["http://a,,http://b", /"" \(--server\).*it is empty/],
    ["http://me:secret@a", /^"http:\/\/a" \(--server\) stands with more/],
  ])("are refused with what is wrong: %s", (text, message) => expect(() => parse(text)).toThrow(message));
});

it("shows of a token only the end, and only of a long one", () => {
  expect(maskToken("short")).toBe("********");
  expect(maskToken("0123456789abcdef")).toBe("********cdef");
});
