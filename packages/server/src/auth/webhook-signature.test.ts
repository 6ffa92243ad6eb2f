import { describe, expect, it } from "vitest";
import { deriveWebhookSecret, signWebhook } from "./webhook-signature.js";

describe("the signature of a webhook", () => {
  it("is that of the Standard Webhooks specification", () => {
    // The example of the specification's own libraries.
    const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const message = { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1614265330, body: '{"test": 2432232314}' };
    expect(signWebhook(secret, message)).toEqual({
      "webhook-id": message.id,
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    });
  });

  it("has another secret for each webhook and cluster, and the same on every node of one", () => {
    const secret = deriveWebhookSecret("cluster", "a");
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(deriveWebhookSecret("cluster", "a")).toBe(secret);
    expect(deriveWebhookSecret("cluster", "b")).not.toBe(secret);
    expect(deriveWebhookSecret("other", "a")).not.toBe(secret);
  });
});
