import { expect, it } from "vitest";
import type { Logger } from "../runtime/logger.js";
import { Teardown } from "./teardown.js";

it("closes everything once, the last first, and goes on past a failure that it logs", async () => {
  const closed: string[] = [];
  const logged: string[] = [];
  const ignore = () => {};
  const error = (_: object, message: string) => void logged.push(message);
  const log: Logger = { debug: ignore, info: ignore, warn: ignore, error };
  const teardown = new Teardown(log);
  teardown.add("the first", () => void closed.push("first"));
  teardown.add("the second", () => Promise.reject(new Error("planted")));
  teardown.add("the third", async () => void closed.push("third"));
  await teardown.run();
  await teardown.run();
  expect(closed).toEqual(["third", "first"]);
  expect(logged).toEqual(["could not stop the second"]);
});
