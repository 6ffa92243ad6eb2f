import { describe } from "vitest";
import type { CatalogHarness } from "./conformance/catalog-harness.js";
import { describeClusterConformance } from "./conformance/cluster-conformance.js";
import { describeCompletionConformance } from "./conformance/completion-conformance.js";
import { describeContentionConformance } from "./conformance/contention-conformance.js";
import { describeCopyConformance } from "./conformance/copy-conformance.js";
import { describeCutConformance } from "./conformance/cut-conformance.js";
import { describeFileConformance } from "./conformance/file-conformance.js";
import { describeFrozenHolderConformance } from "./conformance/frozen-holder-conformance.js";
import { describeHistoryConformance } from "./conformance/history-conformance.js";
import { describeHostSwitchConformance } from "./conformance/host-switch-conformance.js";
import { describeIdempotencyConformance } from "./conformance/idempotency-conformance.js";
import { describeListingConformance } from "./conformance/listing-conformance.js";
import { describeWebhookConformance } from "./conformance/webhook-conformance.js";
import { describeMigrationConformance } from "./conformance/migration-conformance.js";
import { describeQuotaConformance } from "./conformance/quota-conformance.js";
import { describeTransactionConformance } from "./conformance/transaction-conformance.js";
import { describeTransactionLocksConformance } from "./conformance/transaction-locks-conformance.js";

/** Some tests cut a commit at each of its statements, or wait until an engine throws a stopped process out. */
const TEST_TIMEOUT_MS = 120_000;

/** What every catalog promises, on every engine. See docs/adding-an-engine.md. */
export function describeCatalogConformance(harness: CatalogHarness): void {
  describe(`${harness.engine} as a catalog`, { timeout: TEST_TIMEOUT_MS }, () => {
    describeFileConformance(harness);
    describeListingConformance(harness);
    describeHistoryConformance(harness);
    describeTransactionConformance(harness);
    describeQuotaConformance(harness);
    describeTransactionLocksConformance(harness);
    describeClusterConformance(harness);
    describeWebhookConformance(harness);
    describeCopyConformance(harness);
    describeIdempotencyConformance(harness);
    describeCompletionConformance(harness);
    describeContentionConformance(harness);
    describeCutConformance(harness);
    describeFrozenHolderConformance(harness);
    describeHostSwitchConformance(harness);
    describeMigrationConformance(harness);
  });
}
