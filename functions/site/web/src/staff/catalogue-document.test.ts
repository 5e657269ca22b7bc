import { describe, expect, it } from "vitest";

import { type Document, parseCatalogue, replaced, withQualityPrice } from "./catalogue-document";
import { changes, parseDocument } from "./document-changes";

const model = (id: string): Document["models"][number] => ({
  id,
  title: id.toUpperCase(),
  kind: "image",
  state: "active",
  operations: ["text_to_image"],
  inputs: ["seed"],
  sizes: [{ width: 320, height: 320 }],
  durations_ms: [],
  max_count: 4,
  price: { per: "output", credits: 8, qualities: [tier("medium", 8), tier("low", 2)] },
  offers: [{ key: "fal", provider: "fal", model: id, timeout_s: 300, cost: { per: "output", microusd: 1000 } }],
});
const tier = (quality: "low" | "medium", credits: number) => ({ quality, credits });
const document = (): Document => ({
  margin_percent: 30,
  models: [model("a"), model("b")],
  packages: [
    { id: "starter", title: "Starter", credits: 200, plan: "plus", prices: [{ amount: 500, currency: "EUR" }] },
    { id: "studio", title: "Studio", credits: 5000, plan: "pro", prices: [{ amount: 9900, currency: "EUR" }] },
  ],
});
const changing = (change: (document: Document) => unknown) => {
  const changed = document();
  change(changed);
  return changes(document(), changed);
};
const first = (changed: Document) => changed.models[0] as Document["models"][number];

describe("changes", () => {
  it("are none between equal documents", () => {
    expect(changes(document(), document())).toEqual([]);
  });

  it("name a field by the ids on its way", () => {
    expect(changing((changed) => (changed.margin_percent = 40))).toEqual([
      { field: "margin_percent", before: 30, after: 40 },
    ]);
    expect(changing((changed) => (first(changed).state = { retired: "2027-01-31" }))).toEqual([
      { field: "models.a.state", before: "active", after: { retired: "2027-01-31" } },
    ]);
    expect(
      changing((changed) => Object.assign(changed, { models: [model("a"), { ...model("b"), title: "Bee" }] })),
    ).toEqual([{ field: "models.b.title", before: "B", after: "Bee" }]);
    const prices = [{ amount: 550, currency: "EUR" }];
    expect(changing((changed) => Object.assign(changed.packages[0] ?? {}, { prices }))).toEqual([
      { field: "packages.starter.prices.EUR.amount", before: 500, after: 550 },
    ]);
    expect(changing((changed) => first(changed).sizes.push({ width: 640, height: 320 }))).toEqual([
      {
        field: "models.a.sizes",
        before: [{ width: 320, height: 320 }],
        after: [
          { width: 320, height: 320 },
          { width: 640, height: 320 },
        ],
      },
    ]);
  });

  it("show what was added and removed as a whole", () => {
    expect(changing((changed) => changed.models.push(model("c")))).toEqual([
      { field: "models.c", before: undefined, after: model("c") },
    ]);
    expect(changing((changed) => changed.packages.pop())).toEqual([
      { field: "packages.studio", before: document().packages[1], after: undefined },
    ]);
  });

  it("show another order of a list, beside the changes of its members", () => {
    const found = changing((changed) => {
      first(changed).max_count = 2;
      changed.models.reverse();
    });
    expect(found).toEqual([
      { field: "models", before: ["a", "b"], after: ["b", "a"] },
      { field: "models.a.max_count", before: 4, after: 2 },
    ]);
  });

  it("are none between an absent list and an empty one", () => {
    expect(changing((changed) => Reflect.deleteProperty(first(changed), "durations_ms"))).toEqual([]);
  });

  it("compare lists as wholes if two members have one name", () => {
    const twice = document();
    twice.models = [model("a"), model("a")];
    expect(changes(document(), twice).map(({ field }) => field)).toEqual(["models"]);
  });
});

describe("a text", () => {
  it("is a document if it has everything that the form shows", () => {
    expect(parseDocument(JSON.stringify(document()), parseCatalogue)).toEqual({ document: document() });
  });

  it("is refused if it is no JSON, or something is absent", () => {
    expect(parseDocument("{", parseCatalogue)).toHaveProperty("error");
    for (const broken of [
      {},
      [],
      null,
      { ...document(), models: [{ id: "a" }] },
      { ...document(), packages: undefined },
    ]) {
      expect(parseDocument(JSON.stringify(broken), parseCatalogue)).toEqual({
        error: "margin_percent, models, packages",
      });
    }
  });
});

describe("a price of a quality", () => {
  it("is the price of the model if it is the first one", () => {
    expect(withQualityPrice(model("a"), 0, 9).price).toEqual({
      per: "output",
      credits: 9,
      qualities: [tier("medium", 9), tier("low", 2)],
    });
    expect(withQualityPrice(model("a"), 1, 3).price).toEqual({
      per: "output",
      credits: 8,
      qualities: [tier("medium", 8), tier("low", 3)],
    });
  });
});

it("replaces one member of a list", () => {
  expect(replaced(["a", "b", "c"], 1, "B")).toEqual(["a", "B", "c"]);
});
