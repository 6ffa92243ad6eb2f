import { parseFileKey, parseNamespaceName } from "@koboldfs/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NAMESPACE, putOf, setNamespaceOf } from "../../model/test-changes.js";
import { listNaively } from "../../model/test-naive-listing.js";
import type { CatalogHarness } from "./catalog-harness.js";
import { withCatalog } from "./test-cluster-catalog.js";

const unit = fc.constantFrom("a", "B", "/", " ", "é", "\u{1F600}", "\uFFFF");
const key = fc.string({ unit, minLength: 1, maxLength: 6 });
const query = fc.record(
  {
    prefix: fc.oneof(key, fc.constant("")),
    delimiter: fc.constantFrom("/", "é/"),
    after: key,
    limit: fc.integer({ min: 1, max: 9 }),
  },
  { requiredKeys: ["limit"] },
);
/** Each run asks a database several times; the plan itself is tested with thousands in model/list-plan.test.ts. */
const RUNS = 40;

export function describeListingConformance(harness: CatalogHarness): void {
  describe("listings", () => {
    it("lists what looking at every key would, for any prefix, delimiter, after and limit", () =>
      withCatalog(harness, async (catalog) => {
        let count = 0;
        const property = fc.asyncProperty(
          fc.uniqueArray(key, { maxLength: 40 }),
          fc.array(query, { maxLength: 6 }),
          async (keys, queries) => {
            count += 1;
            const namespace = parseNamespaceName(`run${count}`);
            await catalog.commitAll([setNamespaceOf(namespace), ...keys.map((one) => putOf(one, one, { namespace }))]);
            for (const asked of queries) {
              const { files, prefixes, next } = await catalog.listFiles(namespace, asked);
              expect({ files: files.map((file) => file.key), prefixes, next }).toEqual(listNaively(keys, asked));
            }
          },
        );
        await fc.assert(property, { numRuns: RUNS });
      }));

    it("pages through everything once, prefixes folded", () =>
      withCatalog(harness, async (catalog) => {
        const keys = Array.from({ length: 300 }, (_, index) => `${index % 7}/${index}`);
        await catalog.commitAll([...keys.map((one) => putOf(one)), putOf("z")]);
        const names: string[] = [];
        for (let after: string | undefined, more = true; more; ) {
          const page = await catalog.listFiles(NAMESPACE, {
            delimiter: "/",
            limit: 2,
            ...(after === undefined ? {} : { after }),
          });
          names.push(...page.prefixes, ...page.files.map((file) => file.key));
          after = page.next;
          more = after !== undefined;
        }
        expect(names).toEqual(["0/", "1/", "2/", "3/", "4/", "5/", "6/", "z"]);
      }));

    it("tells an empty namespace from one that there is not, and refuses what no listing can be", () =>
      withCatalog(harness, async (catalog) => {
        expect(await catalog.listFiles(NAMESPACE, { limit: 1 })).toEqual({ files: [], prefixes: [] });
        const other = parseNamespaceName("other");
        await expect(catalog.listFiles(other, { limit: 1 })).rejects.toMatchObject({ code: "namespace_not_found" });
        const bad = [
          { limit: 0 },
          { limit: 1001 },
          { limit: 1, delimiter: "" },
          { limit: 1, prefix: "\0" },
          { limit: 1, after: "\uD800" },
        ];
        for (const one of bad) {
          await expect(catalog.listFiles(NAMESPACE, one)).rejects.toMatchObject({ code: "invalid_request" });
        }
        expect(await catalog.findFile(NAMESPACE, parseFileKey("none"))).toBeUndefined();
      }));
  });
}
