/** The form that submits a generation, with its price. */
import { useEffect, useRef, useState } from "preact/hooks";

import { currentAccount, loadAccount } from "../../accounts/account";
import { api, type Schema, unwrap } from "../../api/client";
import { number, text } from "../../text";
import { fieldMessage } from "../../ui/error-message";
import { Area, Field, RadioGroup, Select } from "../../ui/field";
import { useIdempotencyKey, useMutation } from "../../ui/query";
import { ErrorNotice } from "../../ui/states";
import { ReferenceImage } from "../uploads/reference-image";
import {
  alwaysLabelled,
  draft,
  draftRequest,
  modelOf,
  models,
  needsPurchase,
  preferredModel,
  seedOf,
  sizeName,
  updateDraft,
} from "./draft";
import { usePrice } from "./price";

type Model = Schema["ModelView"];

/** The most characters of a prompt. */
const PROMPT_CHARACTERS = 2000;

export function Composer({ onSubmitted }: { onSubmitted: (generation: Schema["GenerationView"]) => void }) {
  const t = text.value.generations;
  const mutation = useMutation();
  const price = usePrice();
  const current = draft.value;
  const model = modelOf(current);
  const key = useIdempotencyKey();
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    form.current?.querySelector(":is(.field, fieldset) .field-error")?.scrollIntoView({ block: "nearest" });
  }, [mutation.error]);
  const submit = (event: Event) => {
    event.preventDefault();
    void mutation.run(async () => {
      const body = { ...draftRequest(current), ...(price.price ? { max_credits: price.price.credits } : {}) };
      onSubmitted(await unwrap(api.POST("/v1/generations", { body, params: key.paramsFor(body) })));
      key.reset();
      await loadAccount();
    });
  };
  const isForSale = model !== undefined && needsPurchase(model);
  const canSubmit =
    current.prompt.trim() !== "" &&
    !isForSale &&
    !(model?.seed && isNoSeed(current.seed)) &&
    price.price !== undefined &&
    price.price.credits <= price.price.available;
  const submitOnShortcut = (event: KeyboardEvent) => {
    const isShortcut = event.key === "Enter" && (event.metaKey || event.ctrlKey) && !event.repeat;
    if (isShortcut && canSubmit && !mutation.busy) submit(event);
  };
  const jobs = currentAccount.value?.limits.jobs_in_flight;
  const message = mutation.error?.type === "too-many-jobs" && jobs ? t.jobLimit(jobs.limit, jobs.limit) : undefined;
  return (
    <form class="composer card stack" aria-label={t.composer} onSubmit={submit} ref={form}>
      <Area
        label={t.prompt}
        placeholder={t.promptPlaceholder}
        required
        maxlength={PROMPT_CHARACTERS}
        rows={4}
        value={current.prompt}
        error={fieldMessage(mutation.error, "prompt")}
        onValue={(prompt) => updateDraft({ prompt })}
        onKeyDown={submitOnShortcut}
      />
      {model && <Settings model={model} errorOf={(field) => fieldMessage(mutation.error, field)} />}
      <div class="submit-bar">
        <ErrorNotice error={mutation.error} message={message} />
        <ErrorNotice error={price.error} retry={price.retry} />
        {isForSale ? <PurchaseNeeded /> : <Price price={price.price} />}
        <button type="submit" class="button primary" disabled={mutation.busy || !canSubmit}>
          {t.submit(model?.kind ?? "image", current.count)}
        </button>
      </div>
    </form>
  );
}

const isNoSeed = (typed: string) => Number.isNaN(seedOf(typed));

/** The qualities from the cheapest to the best. */
const QUALITIES = ["low", "medium", "high"] as const;

interface SettingsProperties {
  model: Model;
  errorOf: (field: string) => string | undefined;
}

function Settings({ model, errorOf }: SettingsProperties) {
  const t = text.value.generations;
  const current = draft.value;
  const limits = currentAccount.value?.limits;
  const kinds = [...new Set(models.value.map(({ kind }) => kind))];
  const sameKind = models.value.filter(({ kind }) => kind === model.kind);
  const maxCount = Math.min(model.max_count, limits?.outputs_per_generation ?? model.max_count);
  const priceOf = ({ kind, credits, price_per }: Model) => {
    if (price_per === "second") return t.perSecond(credits);
    if (price_per === "megapixel") return t.perMegapixel(credits);
    return kind === "video" ? t.perVideo(credits) : t.perImage(credits);
  };
  const durations = [...model.durations_ms].sort((a, b) => a - b);
  return (
    <>
      {model.input_image && <ReferenceImage error={errorOf("input_upload")} />}
      {kinds.length > 1 && (
        <RadioGroup
          label={t.kind}
          value={model.kind}
          options={kinds.map((value) => ({ value, label: t[value] }))}
          onValue={(kind) => updateDraft({ model: preferredModel(kind)?.id ?? "" })}
        />
      )}
      <Select
        label={t.model}
        value={model.id}
        error={errorOf("model")}
        onValue={(id) => updateDraft({ model: id })}
        options={sameKind.map((other) => ({
          value: other.id,
          label: [other.title, priceOf(other), ...(needsPurchase(other) ? [t.boughtCreditsOnly] : [])].join(" · "),
        }))}
      />
      <RadioGroup
        label={t.size}
        value={current.size}
        error={errorOf("width")}
        onValue={(size) => updateDraft({ size })}
        options={model.sizes.map((size) => ({
          value: sizeName(size),
          disabled: limits !== undefined && size.width * size.height > limits.output_pixels,
          label: <SizeLabel {...size} />,
        }))}
      />
      {durations.length > 1 && (
        <RadioGroup
          label={t.duration}
          value={String(current.duration)}
          error={errorOf("duration_ms")}
          onValue={(value) => updateDraft({ duration: Number(value) })}
          options={durations.map((duration) => ({ value: String(duration), label: t.seconds(duration / 1000) }))}
        />
      )}
      {current.quality && (
        <RadioGroup
          label={t.quality}
          value={current.quality}
          error={errorOf("quality")}
          onValue={(quality) => updateDraft({ quality })}
          options={QUALITIES.flatMap((value) => {
            const tier = model.qualities.find(({ quality }) => quality === value);
            return tier ? [{ value, label: `${t.qualities[value]} · ${number(tier.credits)}` }] : [];
          })}
        />
      )}
      {maxCount > 1 && (
        <RadioGroup
          label={t.count}
          value={String(current.count)}
          error={errorOf("count")}
          onValue={(value) => updateDraft({ count: Number(value) })}
          options={Array.from({ length: maxCount }, (_, index) => String(index + 1)).map((value) => ({
            value,
            label: value,
          }))}
        />
      )}
      <VisibleLabel />
      <AdvancedSettings model={model} errorOf={errorOf} />
    </>
  );
}

/** Whether a visible label is drawn; the operator may have it always drawn. */
function VisibleLabel() {
  const t = text.value.generations;
  return (
    <label class="checkbox">
      <input
        type="checkbox"
        checked={alwaysLabelled.value || draft.value.visibleLabel}
        disabled={alwaysLabelled.value}
        onChange={(event) => updateDraft({ visibleLabel: event.currentTarget.checked })}
      />
      {alwaysLabelled.value ? t.alwaysLabelled : t.visibleLabel}
    </label>
  );
}

function AdvancedSettings({ model, errorOf }: SettingsProperties) {
  const t = text.value.generations;
  const { negativePrompt, seed } = draft.value;
  const [open, setOpen] = useState(false);
  const isUsed = negativePrompt !== "" || seed !== "";
  return (
    <details class="advanced" open={open || isUsed} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t.advanced}</summary>
      <div class="stack">
        {model.negative_prompt && (
          <Field
            label={t.negativePrompt}
            hint={t.negativePromptHint}
            maxlength={PROMPT_CHARACTERS}
            value={negativePrompt}
            error={errorOf("negative_prompt")}
            onValue={(negativePrompt) => updateDraft({ negativePrompt })}
          />
        )}
        {model.seed && (
          <Field
            label={t.seed}
            hint={t.seedHint}
            inputmode="numeric"
            value={seed}
            error={isNoSeed(seed) ? text.value.fieldErrors.seed : errorOf("seed")}
            onValue={(seed) => updateDraft({ seed })}
          />
        )}
      </div>
    </details>
  );
}

/** A size with a frame in its aspect ratio. */
function SizeLabel({ width, height }: { width: number; height: number }) {
  const scale = 14 / Math.max(width, height);
  return (
    <>
      <i class="aspect-ratio" style={{ inlineSize: `${width * scale}px`, blockSize: `${height * scale}px` }} />
      <span class="visually-hidden">{text.value.generations.pixels(width, height)}</span>
      <span aria-hidden="true">
        {width}×{height}
      </span>
    </>
  );
}

/** Says that the model is only for accounts that have bought credits. */
function PurchaseNeeded() {
  const t = text.value.generations;
  return (
    <p class="price" role="status">
      <span class="field-error">
        {t.purchaseNeeded} <a href="/credits">{t.buyCredits}</a>
      </span>
    </p>
  );
}

function Price({ price }: { price: Schema["QuoteView"] | undefined }) {
  const t = text.value.generations;
  if (!price) {
    return (
      <p class="price" aria-busy="true">
        <span class="muted">{t.price}</span>
      </p>
    );
  }
  const left = price.available - price.credits;
  return (
    <p class="price" role="status">
      <strong>{t.priceOf(price.credits)}</strong>
      {left < 0 ? (
        <span class="field-error">
          {t.creditsMissing(-left)} <a href="/credits">{t.buyCredits}</a>
        </span>
      ) : (
        <span class="muted small">{t.creditsLeft(left)}</span>
      )}
    </p>
  );
}
