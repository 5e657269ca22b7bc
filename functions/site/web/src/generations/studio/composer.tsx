/** The form of the studio: what to make, and what it costs before it is made. */
import { useEffect, useState } from "preact/hooks";

import { load, me } from "../../accounts/account";
import { api, ask, type Schema } from "../../api/client";
import { Trouble } from "../../api/error";
import { text } from "../../text";
import { Area, Choice, Field, Select } from "../../ui/field";
import { useAct, useKey, useOnline } from "../../ui/query";
import { TroubleNotice } from "../../ui/states";
import { InputImage } from "../uploads/reference-image";
import { compose, draft, modelOf, models, requestOf, sizeName } from "./draft";

type Model = Schema["ModelView"];

/** How long typing must rest before the price is asked, in milliseconds. */
const REST_MS = 200;

export function Compose({ onSubmitted }: { onSubmitted: (generation: Schema["GenerationView"]) => void }) {
  const t = text.value.studio;
  const act = useAct();
  const { price, trouble: unpriced, again } = usePrice();
  useOnline(unpriced, again);
  const chosen = draft.value;
  const model = modelOf(chosen);
  const key = useKey();
  const submit = (event: Event) => {
    event.preventDefault();
    void act.act(async () => {
      const body = { ...requestOf(chosen), ...(price ? { max_credits: price.credits } : {}) };
      onSubmitted(await ask(api.POST("/v1/generations", { body, params: key.of(body) })));
      key.taken();
      await load();
    });
  };
  const ready = chosen.prompt.trim() !== "" && price !== undefined && price.credits <= price.available;
  return (
    <form class="compose card stack" aria-label={t.compose} onSubmit={submit}>
      <Area
        label={t.prompt}
        placeholder={t.placeholder}
        required
        maxlength={2000}
        rows={4}
        value={chosen.prompt}
        wrong={act.trouble?.rule("prompt")}
        onValue={(prompt) => compose({ prompt })}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.metaKey || event.ctrlKey) && ready && !act.busy && !event.repeat)
            submit(event);
        }}
      />
      {model && <Settings model={model} rule={(field) => act.trouble?.rule(field)} />}
      <TroubleNotice trouble={act.trouble} />
      <TroubleNotice trouble={unpriced} retry={again} />
      <div class="till">
        <Price price={price} />
        <button type="submit" class="button primary" disabled={act.busy || !ready}>
          {t.submit(model?.kind ?? "image", chosen.count)}
        </button>
      </div>
    </form>
  );
}

function Settings({ model, rule }: { model: Model; rule: (field: string) => string | undefined }) {
  const t = text.value.studio;
  const chosen = draft.value;
  const limits = me.value?.limits;
  const [open, show] = useState(false);
  const kinds = [...new Set(models.value.map(({ kind }) => kind))];
  const ofKind = models.value.filter(({ kind }) => kind === model.kind);
  const most = Math.min(model.max_count, limits?.outputs_per_generation ?? model.max_count);
  const price = ({ kind, credits }: Model) => (kind === "video" ? t.perSecond(credits) : t.each(credits));
  return (
    <>
      {kinds.length > 1 && (
        <Choice
          label={t.kind}
          value={model.kind}
          options={kinds.map((value) => ({ value, label: t[value] }))}
          onValue={(kind) => compose({ model: models.value.find((other) => other.kind === kind)?.id ?? "" })}
        />
      )}
      <Select
        label={t.model}
        value={model.id}
        onValue={(id) => compose({ model: id })}
        options={ofKind.map((other) => ({ value: other.id, label: `${other.title} · ${price(other)}` }))}
      />
      <Choice
        label={t.size}
        value={chosen.size}
        onValue={(size) => compose({ size })}
        options={model.sizes.map((size) => ({
          value: sizeName(size),
          disabled: limits !== undefined && size.width * size.height > limits.output_pixels,
          label: (
            <>
              <Shape {...size} />
              <span class="aside">{t.pixels(size.width, size.height)}</span>
              <span aria-hidden="true">
                {size.width}×{size.height}
              </span>
            </>
          ),
        }))}
      />
      {model.durations_ms.length > 1 && (
        <Choice
          label={t.length}
          value={String(chosen.duration)}
          onValue={(value) => compose({ duration: Number(value) })}
          options={[...model.durations_ms]
            .sort((a, b) => a - b)
            .map((length) => ({ value: String(length), label: t.seconds(length / 1000) }))}
        />
      )}
      {most > 1 && (
        <Choice
          label={t.count}
          value={String(chosen.count)}
          onValue={(value) => compose({ count: Number(value) })}
          options={Array.from({ length: most }, (_, index) => ({ value: String(index + 1), label: String(index + 1) }))}
        />
      )}
      <details
        class="more"
        open={open || chosen.negative !== "" || chosen.seed !== "" || chosen.input !== undefined}
        onToggle={(event) => show(event.currentTarget.open)}
      >
        <summary>{t.more}</summary>
        <div class="stack">
          {model.negative_prompt && (
            <Field
              label={t.negative}
              hint={t.negativeHint}
              maxlength={2000}
              value={chosen.negative}
              wrong={rule("negative_prompt")}
              onValue={(negative) => compose({ negative })}
            />
          )}
          {model.seed && (
            <Field
              label={t.seed}
              hint={t.seedHint}
              inputmode="numeric"
              pattern="[0-9]{1,10}"
              value={chosen.seed}
              wrong={rule("seed")}
              onValue={(seed) => compose({ seed: seed.replace(/\D/g, "") })}
            />
          )}
          {model.input_image && (
            <div class="field">
              <span class="label">{t.input}</span>
              <InputImage />
            </div>
          )}
        </div>
      </details>
    </>
  );
}

/** A frame in the proportion of a size. */
function Shape({ width, height }: { width: number; height: number }) {
  const scale = 14 / Math.max(width, height);
  return <i class="shape" style={{ inlineSize: `${width * scale}px`, blockSize: `${height * scale}px` }} />;
}

/** What the draft costs, asked whenever what it depends on has rested. The price of something else is none. */
function usePrice() {
  const [quoted, quote] = useState<{ what: string; price?: Schema["QuoteView"]; trouble?: Trouble }>();
  const [turn, setTurn] = useState(0);
  const { model, size, duration, count } = draft.value;
  const available = me.value?.credits.available;
  const what = [model, size, duration, count, available].join();
  useEffect(() => {
    if (!model) return;
    const control = new AbortController();
    const timer = setTimeout(() => {
      // The words do not change the price, and are nobody's business before the button is pressed.
      const body = requestOf({ ...draft.peek(), prompt: "?", negative: "", seed: "", input: undefined });
      ask(api.POST("/v1/generations/quote", { body, signal: control.signal })).then(
        (price) => quote({ what, price }),
        (error: unknown) => {
          if (control.signal.aborted) return;
          if (!(error instanceof Trouble)) throw error;
          quote({ what, trouble: error });
        },
      );
    }, REST_MS);
    return () => {
      clearTimeout(timer);
      control.abort();
    };
  }, [what, turn]);
  const { price, trouble } = quoted?.what === what ? quoted : {};
  return { price, trouble, again: () => setTurn(turn + 1) };
}

function Price({ price }: { price: Schema["QuoteView"] | undefined }) {
  const t = text.value.studio;
  if (!price)
    return (
      <p class="price" aria-busy="true">
        <span class="soft">{t.price}</span>
      </p>
    );
  const left = price.available - price.credits;
  return (
    <p class="price" role="status">
      <strong>{t.priceOf(price.credits)}</strong>
      {left < 0 ? (
        <span class="wrong">
          {t.notEnough(-left)} <a href="/credits">{t.buy}</a>
        </span>
      ) : (
        <span class="soft small">{t.left(left)}</span>
      )}
    </p>
  );
}
