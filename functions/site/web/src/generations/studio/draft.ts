/**
 * What is being composed. Kept for this tab until it closes, so that a reload, a sign-in or a visit to the payment page
 * loses nothing; forgotten with the session.
 */
import { effect, signal } from "@preact/signals";

import { api, ask, type Schema } from "../../api/client";
import { session } from "../../api/session";

type Model = Schema["ModelView"];
type Settings = Schema["SettingsView"];

/** What the person has chosen. Numbers stay as they were typed. */
export interface Draft {
  model: string;
  prompt: string;
  negative: string;
  size: string;
  duration: number | undefined;
  count: number;
  seed: string;
  input: { id: string; name: string } | undefined;
}

const KEY = "draft";
const EMPTY: Draft = {
  model: "",
  prompt: "",
  negative: "",
  size: "",
  duration: undefined,
  count: 1,
  seed: "",
  input: undefined,
};

function kept(): Draft {
  try {
    return { ...EMPTY, ...(JSON.parse(sessionStorage.getItem(KEY) ?? "{}") as Partial<Draft>) };
  } catch {
    return EMPTY;
  }
}

export const draft = signal<Draft>(kept());
/** The models that can be chosen, once they are known. */
export const models = signal<Model[]>([]);

effect(() => {
  if (session.value === "none") draft.value = EMPTY;
  else if (draft.value !== EMPTY && draft.value.prompt + draft.value.negative !== "")
    sessionStorage.setItem(KEY, JSON.stringify(draft.value));
});

/** Changes what is composed; what the model cannot do goes back to what it can. */
export function compose(change: Partial<Draft>): void {
  draft.value = fitted({ ...draft.value, ...change });
}

/** Asks which models there are. */
export async function loadModels(): Promise<void> {
  if (models.value.length > 0) return;
  models.value = (await ask(api.GET("/v1/models"))).models;
  compose({});
}

/** `1024x768` */
export const sizeName = ({ width, height }: { width: number; height: number }) => `${width}x${height}`;

/** The model of a draft. */
export const modelOf = (draft: Draft): Model | undefined => models.value.find(({ id }) => id === draft.model);

function fitted(draft: Draft): Draft {
  const model = modelOf(draft) ?? models.value[0];
  if (!model) return draft;
  const sizes = model.sizes.map(sizeName);
  return {
    ...draft,
    model: model.id,
    size: sizes.includes(draft.size) ? draft.size : (sizes[0] ?? ""),
    duration: model.durations_ms.find((duration) => duration === draft.duration) ?? model.durations_ms[0],
    count: Math.min(draft.count, model.max_count),
  };
}

/** Takes the settings of something that was made. */
export function reuse(settings: Settings): void {
  compose({
    model: settings.model,
    prompt: settings.prompt,
    negative: settings.negative_prompt ?? "",
    size: sizeName(settings),
    duration: settings.duration_ms ?? undefined,
    count: settings.count,
    seed: settings.seed?.toString() ?? "",
    input: settings.input_upload ? { id: settings.input_upload, name: "" } : undefined,
  });
}

/** The request that made something. */
export function requestFor({ settings, credits }: Schema["GenerationView"]): Schema["GenerationRequest"] {
  const { model, prompt, width, height, count, negative_prompt, duration_ms, seed, input_upload } = settings;
  return {
    model,
    prompt,
    width,
    height,
    count,
    negative_prompt,
    duration_ms,
    seed,
    input_upload,
    max_credits: credits.reserved,
  };
}

/** The request that a draft makes. */
export function requestOf(draft: Draft): Schema["GenerationRequest"] {
  const model = modelOf(draft);
  const [width, height] = draft.size.split("x").map(Number);
  return {
    model: draft.model,
    prompt: draft.prompt,
    ...(width && height ? { width, height } : {}),
    ...(draft.duration ? { duration_ms: draft.duration } : {}),
    count: draft.count,
    ...(model?.negative_prompt && draft.negative.trim() ? { negative_prompt: draft.negative } : {}),
    ...(model?.seed && draft.seed !== "" ? { seed: Number(draft.seed) } : {}),
    ...(model?.input_image && draft.input ? { input_upload: draft.input.id } : {}),
  };
}
