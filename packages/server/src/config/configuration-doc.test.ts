import { describe, expect, it } from "vitest";
import { renderConfigurationDoc } from "./configuration-doc.js";

describe("docs/configuration.md", () => {
  it("says what the table of settings says", async () => {
    await expect(renderConfigurationDoc()).toMatchFileSnapshot("../../../../docs/configuration.md");
  });
});
