import { describe, expect, it } from "vitest";
import { parseOptions } from "./options.js";

describe("parseOptions", () => {
  it("takes three rounds of three seconds by default", () => {
    expect(parseOptions([])).toMatchObject({ rounds: 3, seconds: 3, only: [], subjects: [] });
  });

  it("makes a smoke run one short round without warm-up, whatever else is said", () => {
    expect(parseOptions(["--smoke", "--rounds", "9"])).toMatchObject({ rounds: 1, seconds: 1, warmUpSeconds: 0 });
  });

  it("refuses a number that is none", () => {
    expect(() => parseOptions(["--rounds", "many"])).toThrow("--rounds wants a number");
  });

  it("refuses an option it does not know", () => {
    expect(() => parseOptions(["--fast"])).toThrow("--fast");
  });
});
