import { beforeEach, describe, expect, it, vi } from "vitest";

import type { Schema } from "../../api/client";

const model = (id: string, change: Partial<Schema["ModelView"]> = {}) =>
  ({
    id,
    title: id,
    kind: "image",
    credits: 1,
    price_per: "output",
    max_count: 4,
    durations_ms: [],
    sizes: [
      { width: 1024, height: 1024 },
      { width: 512, height: 512 },
    ],
    qualities: [],
    seed: true,
    negative_prompt: true,
    input_image: true,
    needs_purchase: false,
    ...change,
  }) as Schema["ModelView"];

const TIERS: Partial<Schema["ModelView"]> = {
  qualities: [
    { quality: "medium", credits: 8 },
    { quality: "high", credits: 30 },
  ],
};
const VIDEO: Partial<Schema["ModelView"]> = { kind: "video", max_count: 1, durations_ms: [4000, 8000], seed: false };

const account = (plan: "free" | "plus") => ({ plan, credits: { available: 100 } }) as Schema["AccountView"];

/** Loads the module anew, as a reload of the page does. The account is loaded after the models. */
async function reload(
  models = [model("sketch"), model("clip", VIDEO), model("tiers", TIERS)],
  plan: "free" | "plus" = "free",
) {
  vi.resetModules();
  const module = await import("./draft");
  const { currentAccount } = await import("../../accounts/account");
  module.models.value = models;
  module.updateDraft({});
  currentAccount.value = account(plan);
  return { ...module, currentAccount };
}

beforeEach(() => sessionStorage.clear());

describe("a draft", () => {
  it("survives a reload", async () => {
    (await reload()).updateDraft({ prompt: "A kite", seed: "7" });
    const { draft } = await reload();
    expect(draft.value).toMatchObject({ prompt: "A kite", seed: "7" });
  });

  it("is not stored before anything is entered", async () => {
    (await reload()).updateDraft({ count: 2 });
    expect(sessionStorage).toHaveLength(0);
  });

  it("starts empty if the stored one is damaged", async () => {
    sessionStorage.setItem("draft", "{");
    expect((await reload()).draft.value.prompt).toBe("");
  });

  it("takes what another model supports", async () => {
    const { draft, updateDraft } = await reload();
    updateDraft({ size: "512x512", count: 4 });
    updateDraft({ model: "clip" });
    expect(draft.value).toMatchObject({ size: "512x512", count: 1, duration: 4000 });
    updateDraft({ size: "1x1", duration: 5 });
    expect(draft.value).toMatchObject({ size: "1024x1024", duration: 4000 });
  });
});

describe("the model of a draft", () => {
  const paid = [
    model("paid", { needs_purchase: true }),
    model("sketch"),
    model("paid-clip", { ...VIDEO, needs_purchase: true }),
  ];

  it("is one that the account can use", async () => {
    const { draft, preferredModel } = await reload(paid);
    expect(draft.value.model).toBe("sketch");
    expect(preferredModel("video")?.id).toBe("paid-clip");
  });

  it("is the first once credits were bought", async () => {
    const { draft, needsPurchase } = await reload(paid, "plus");
    expect(draft.value.model).toBe("paid");
    expect(paid.some(needsPurchase)).toBe(false);
  });

  it("stays as it was chosen when the account changes", async () => {
    const { draft, updateDraft, currentAccount, needsPurchase, modelOf } = await reload(paid);
    updateDraft({ model: "paid" });
    const chosenNeedsPurchase = () => {
      const model = modelOf(draft.value);
      return model && needsPurchase(model);
    };
    expect(chosenNeedsPurchase()).toBe(true);
    currentAccount.value = account("plus");
    expect(draft.value.model).toBe("paid");
    expect(chosenNeedsPurchase()).toBe(false);
  });
});

describe("the seed of a draft", () => {
  it.each([
    ["", undefined],
    ["-1", undefined],
    [" 7 ", 7],
    ["0", 0],
    ["4294967295", 4_294_967_295],
    ["4294967296", Number.NaN],
    ["-5", Number.NaN],
    ["1e5", Number.NaN],
    ["1.5", Number.NaN],
    ["seven", Number.NaN],
  ])("%j is %j", async (typed, seed) => expect((await reload()).seedOf(typed)).toBe(seed));
});

describe("the request of a draft", () => {
  it("has the quality of the model that was chosen", async () => {
    const { draft, draftRequest, updateDraft } = await reload();
    updateDraft({ model: "tiers", prompt: "A kite" });
    expect(draftRequest(draft.value).quality).toBe("medium");
    updateDraft({ quality: "high" });
    expect(draftRequest(draft.value).quality).toBe("high");
    updateDraft({ model: "sketch" });
    expect(draftRequest(draft.value).quality).toBeUndefined();
  });

  it("leaves out what the model does not support", async () => {
    const { draft, draftRequest, updateDraft } = await reload();
    updateDraft({ model: "clip", prompt: "Boats", seed: "7", negativePrompt: " " });
    expect(draftRequest(draft.value)).toEqual({
      model: "clip",
      prompt: "Boats",
      width: 1024,
      height: 1024,
      duration_ms: 4000,
      count: 1,
    });
  });

  it("has no control characters but tabs and line feeds", async () => {
    const { draft, draftRequest, updateDraft } = await reload();
    updateDraft({ prompt: "A\u000b kite\r\nover\tthe\u007f dunes\rat dawn", negativePrompt: "\u000b" });
    const request = draftRequest(draft.value);
    expect(request.prompt).toBe("A kite\nover\tthe dunes\nat dawn");
    expect(request.negative_prompt).toBeUndefined();
  });

  it("contains all settings that were entered", async () => {
    const { draft, draftRequest, updateDraft } = await reload();
    updateDraft({ prompt: "A kite", negativePrompt: "rain", seed: "7", referenceImage: { id: "u", name: "a.png" } });
    expect(draftRequest(draft.value)).toMatchObject({ negative_prompt: "rain", seed: 7, input_upload: "u" });
  });

  it("asks for a visible label only if it is chosen", async () => {
    const { draft, draftRequest, updateDraft } = await reload();
    updateDraft({ prompt: "A kite" });
    expect(draftRequest(draft.value)).not.toHaveProperty("visible_label");
    updateDraft({ visibleLabel: true });
    expect(draftRequest(draft.value).visible_label).toBe(true);
  });

  it("repeats the settings of a generation that are reused", async () => {
    const { draft, draftRequest, reuseSettings } = await reload();
    const settings = {
      model: "sketch",
      prompt: "A kite",
      width: 512,
      height: 512,
      count: 2,
      seed: 0,
      visible_label: true,
    };
    reuseSettings(settings as Schema["SettingsView"]);
    expect(draftRequest(draft.value)).toEqual(settings);
  });
});
