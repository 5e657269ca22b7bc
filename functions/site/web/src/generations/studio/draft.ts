/**
 * The draft of a generation. It is kept in this tab until the tab closes, so that a reload, a sign-in or a visit to the
 * checkout loses nothing, and forgotten on sign-out.
 */
import { effect, signal, untracked } from "@preact/signals";

import { currentAccount } from "../../accounts/account";
import { api, type Schema, unwrap } from "../../api/client";
import { session } from "../../api/session";

type Model = Schema["ModelView"];
type Settings = Schema["SettingsView"];
type Quality = Schema["Quality"];

/** What the person has entered. The seed stays as it was typed. */
export interface Draft {
  model: string;
  prompt: string;
  negativePrompt: string;
  size: string;
  /** The duration of a video, in milliseconds. */
  duration: number | undefined;
  quality: Quality | undefined;
  count: number;
  seed: string;
  visibleLabel: boolean;
  /** An upload, with a small image of it for this page. */
  referenceImage: { id: string; name: string; preview?: string | undefined } | undefined;
}

const DRAFT_KEY = "draft";
const EMPTY: Draft = {
  model: "",
  prompt: "",
  negativePrompt: "",
  size: "",
  duration: undefined,
  quality: undefined,
  count: 1,
  seed: "",
  visibleLabel: false,
  referenceImage: undefined,
};

function storedDraft(): Draft {
  try {
    return { ...EMPTY, ...(JSON.parse(sessionStorage.getItem(DRAFT_KEY) ?? "{}") as Partial<Draft>) };
  } catch {
    return EMPTY;
  }
}

export const draft = signal<Draft>(storedDraft());
/** The available models, once they are loaded. */
export const models = signal<Model[]>([]);
/** Whether the operator has a visible label drawn into everything. */
export const alwaysLabelled = signal(false);

effect(() => {
  const current = draft.value;
  if (session.value === "signed-out") draft.value = EMPTY;
  else if (current.prompt + current.negativePrompt !== "" || current.referenceImage)
    sessionStorage.setItem(DRAFT_KEY, JSON.stringify(current));
});

/** Changes the draft. Settings that the model does not support are replaced by ones that it does. */
export function updateDraft(change: Partial<Draft>): void {
  draft.value = fitToModel({ ...draft.value, ...change });
}

/** Loads the available models, once. */
export async function loadModels(): Promise<void> {
  if (models.value.length > 0) return;
  const available = await unwrap(api.GET("/v1/models"));
  models.value = available.models;
  alwaysLabelled.value = available.always_labelled;
  updateDraft({});
}

/** `1024x768` */
export const sizeName = ({ width, height }: { width: number; height: number }) => `${width}x${height}`;

/** Returns the model of a draft. */
export const modelOf = (draft: Draft): Model | undefined => models.value.find(({ id }) => id === draft.model);

/** Returns whether the account can use a model only after a purchase. */
export const needsPurchase = (model: Model): boolean => model.needs_purchase && currentAccount.value?.plan === "free";

/** Returns the first model of a kind that the account can use, or the first if it can use none. */
export function preferredModel(kind?: Model["kind"]): Model | undefined {
  const choices = models.value.filter((model) => kind === undefined || model.kind === kind);
  return choices.find((model) => !needsPurchase(model)) ?? choices[0];
}

function fitToModel(draft: Draft): Draft {
  const model = modelOf(draft) ?? (currentAccount.value ? preferredModel() : undefined);
  if (!model) return draft;
  const sizes = model.sizes.map(sizeName);
  return {
    ...draft,
    model: model.id,
    size: sizes.includes(draft.size) ? draft.size : (sizes[0] ?? ""),
    duration: model.durations_ms.find((duration) => duration === draft.duration) ?? model.durations_ms[0],
    quality: (model.qualities.find(({ quality }) => quality === draft.quality) ?? model.qualities[0])?.quality,
    count: Math.min(draft.count, model.max_count),
  };
}

/** Copies the settings of a generation into the draft. */
export function reuseSettings(settings: Settings): void {
  updateDraft({
    model: settings.model,
    prompt: settings.prompt,
    negativePrompt: settings.negative_prompt ?? "",
    size: sizeName(settings),
    duration: settings.duration_ms ?? undefined,
    quality: settings.quality ?? undefined,
    count: settings.count,
    seed: settings.seed?.toString() ?? "",
    visibleLabel: settings.visible_label,
    referenceImage: settings.input_upload ? { id: settings.input_upload, name: "" } : undefined,
  });
}

/** Returns the request that repeats a generation for the same price at most. */
export function retryRequest({ settings, credits }: Schema["GenerationView"]): Schema["GenerationRequest"] {
  const { model, prompt, width, height, count, negative_prompt, duration_ms, quality, seed } = settings;
  const { input_upload, visible_label } = settings;
  return {
    model,
    prompt,
    width,
    height,
    count,
    negative_prompt,
    duration_ms,
    quality,
    seed,
    input_upload,
    visible_label,
    max_credits: credits.reserved,
  };
}

/** The largest seed. */
const MAX_SEED = 4_294_967_295;

/**
 * Returns the seed that was typed: undefined for a random one, which is nothing or, as in other programs, -1; `NaN` for what is
 * no seed.
 */
export function seedOf(typed: string): number | undefined {
  const seed = typed.trim();
  if (seed === "" || seed === "-1") return undefined;
  return /^\d{1,10}$/.test(seed) && Number(seed) <= MAX_SEED ? Number(seed) : Number.NaN;
}

/** Returns a text with line feeds as line ends, and without the control characters that come along with copied text. */
const withoutControls = (text: string) => text.replace(/\r\n?/g, "\n").replace(/[^\P{Cc}\n\t]/gu, "");

/** Returns the request that submits a draft. Settings that the model does not support are left out. */
export function draftRequest(draft: Draft): Schema["GenerationRequest"] {
  const model = modelOf(draft);
  const [width, height] = draft.size.split("x").map(Number);
  const seed = seedOf(draft.seed);
  const negativePrompt = withoutControls(draft.negativePrompt);
  return {
    model: draft.model,
    prompt: withoutControls(draft.prompt),
    ...(width && height ? { width, height } : {}),
    ...(draft.duration ? { duration_ms: draft.duration } : {}),
    ...(draft.quality ? { quality: draft.quality } : {}),
    count: draft.count,
    ...(model?.negative_prompt && negativePrompt.trim() ? { negative_prompt: negativePrompt } : {}),
    ...(model?.seed && seed !== undefined ? { seed } : {}),
    ...(draft.visibleLabel ? { visible_label: true } : {}),
    ...(model?.input_image && draft.referenceImage ? { input_upload: draft.referenceImage.id } : {}),
  };
}

// What the account may use is known once it is loaded, which may be after the models.
effect(() => {
  if (currentAccount.value) untracked(() => updateDraft({}));
});
