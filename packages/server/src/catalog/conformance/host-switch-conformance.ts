import { describe, expect, it } from "vitest";
import { putOf, setNamespaceOf, setNodeOf } from "../../model/test-changes.js";
import type { CatalogHarness } from "./catalog-harness.js";
import { doneOf, withDatabase } from "./test-cluster-catalog.js";
import { openTcpProxy } from "./tcp-proxy.js";

export function describeHostSwitchConformance(harness: CatalogHarness): void {
  if (!harness.isNetwork) return;
  describe("the hosts of a dsn", () => {
    it("are doubted each time another one takes over, before it is asked for anything", () =>
      withDatabase(harness, async ({ database, open }) => {
        await using proxy = await openTcpProxy(database.dsn);
        const [first, second] = [new URL(proxy.dsn).host, new URL(database.dsn).host];
        const dsn = database.dsn.replace(second, `${first},${second}`);
        let doubts = 0;
        // It knows nothing: so a session that is compared cannot be what tells it.
        const witness = { known: () => undefined, confirm: async () => 1, noteDoubt: () => void (doubts += 1) };
        const catalog = await open({ dsn, witness });
        const { version } = doneOf((await catalog.commitAll([setNamespaceOf(), setNodeOf(1)]))[1]);
        expect(doubts).toBe(0);
        proxy.refuse();
        expect((await catalog.head()).number).toBe(version);
        expect(doubts).toBe(1);
        doneOf(await catalog.commit(putOf("a")));
        expect(doubts).toBe(1);
        // The first host of the dsn is back, and is looked for while the catalog is used.
        proxy.accept();
        const use = async () => ({ number: (await catalog.head()).number, doubts });
        await expect.poll(use, { timeout: 20_000 }).toEqual({ number: version + 1, doubts: 2 });
      }));
  });
}
