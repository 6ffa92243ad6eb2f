import { describe, expect, it } from "vitest";
import { createClientAuth } from "./client-auth.js";

const unauthorized = expect.objectContaining({ code: "unauthorized" });

describe("client auth", () => {
  it("lets everybody in when there is no token", () => {
    expect(() => createClientAuth(undefined).check(undefined)).not.toThrow();
  });

  it.each(["Bearer s3cret", "bearer s3cret", "BEARER  s3cret "])("lets in who says %j", (header) => {
    expect(() => createClientAuth("s3cret").check(header)).not.toThrow();
  });

  it.each([
    undefined,
    "",
    "s3cret",
    "Bearer",
    "Bearer ",
    "Bearer s3cre",
    "Bearer s3cret2",
    "Bearer S3CRET",
    "Basic s3cret",
  ])("refuses who says %j", (header) => {
    expect(() => createClientAuth("s3cret").check(header)).toThrow(unauthorized);
  });
});
