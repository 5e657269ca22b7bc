/** The form of the catalogue: what is changed often has fields, the rest is in the text of the document. */
import type { RefObject } from "preact";
import { useState } from "preact/hooks";

import { text } from "../text";
import { Area, Field, Select } from "../ui/field";
import { fractionDigits, smallestUnits, typedAmount } from "./amounts";
import {
  type Document,
  type Model,
  type Package,
  parseDocument,
  replaced,
  withQualityPrice,
} from "./catalogue-document";
import { staffText } from "./text";

/** The most characters of the document: an item of the table holds no more. */
const LONGEST_DOCUMENT = 400_000;

/** Returns the rule that the API says a field breaks, by the path of the field. */
type RuleOf = (field: string) => string | undefined;

/** Returns the paths of the fields of the form. */
export function shownFields(document: Document): Set<string> {
  const models = document.models.flatMap(({ price: { qualities } }, index) => {
    const at = `document.models[${index}]`;
    const prices = qualities?.length
      ? qualities.map((_, place) => `${at}.price.qualities[${place}].credits`)
      : [`${at}.price.credits`];
    return [`${at}.title`, ...prices];
  });
  const packages = document.packages.flatMap((_, index) => {
    const at = `document.packages[${index}]`;
    return [`${at}.title`, `${at}.credits`];
  });
  return new Set(["reason", "low_prices_reason", "document.margin_percent", ...models, ...packages]);
}

interface FormProperties {
  form: RefObject<HTMLFormElement | null>;
  document: Document;
  rule: RuleOf;
  onChange: (document: Document) => void;
  onReview: () => void;
}

export function CatalogueForm({ form, document, rule, onChange, onReview }: FormProperties) {
  const t = staffText.value.catalogue;
  const { models, packages } = document;
  const submit = (event: Event) => {
    event.preventDefault();
    onReview();
  };
  return (
    <form class="stack" ref={form} onSubmit={submit}>
      <section class="card stack">
        <h2>{t.prices}</h2>
        <NumberField
          label={t.margin}
          hint={t.marginHint}
          value={document.margin_percent}
          error={rule("document.margin_percent")}
          onValue={(margin_percent) => onChange({ ...document, margin_percent })}
        />
      </section>
      {models.map((model, index) => (
        <ModelFields
          key={model.id}
          model={model}
          rule={(field) => rule(`document.models[${index}].${field}`)}
          onChange={(model) => onChange({ ...document, models: replaced(models, index, model) })}
        />
      ))}
      {packages.map((sold, index) => (
        <PackageFields
          key={sold.id}
          sold={sold}
          rule={(field) => rule(`document.packages[${index}].${field}`)}
          onChange={(sold) => onChange({ ...document, packages: replaced(packages, index, sold) })}
        />
      ))}
      <WholeDocument document={document} onChange={onChange} />
      <div class="row">
        <button type="submit" class="button">
          {t.review}
        </button>
      </div>
    </form>
  );
}

interface ModelProperties {
  model: Model;
  rule: RuleOf;
  onChange: (model: Model) => void;
}

function ModelFields({ model, rule, onChange }: ModelProperties) {
  const t = staffText.value.catalogue;
  const { price, state = "active" } = model;
  const retired = typeof state === "object" ? state.retired : undefined;
  const names: Record<string, string> = text.value.generations.qualities;
  const setState = (name: string) => {
    if (name === "retired") onChange({ ...model, state: { retired: new Date().toISOString().slice(0, 10) } });
    else onChange({ ...model, state: name === "hidden" ? "hidden" : "active" });
  };
  return (
    <fieldset class="card stack">
      <legend class="label">
        {t.model} <code>{model.id}</code>
      </legend>
      <div class="field-grid">
        <Field
          label={t.title}
          value={model.title}
          onValue={(title) => onChange({ ...model, title })}
          required
          maxlength={100}
          error={rule("title")}
        />
        <Select
          label={t.state}
          value={retired === undefined ? `${state}` : "retired"}
          onValue={setState}
          options={(["active", "hidden", "retired"] as const).map((value) => ({ value, label: t.states[value] }))}
        />
        {retired !== undefined && (
          <Field
            label={t.retiredFrom}
            type="date"
            required
            value={retired}
            onValue={(day) => onChange({ ...model, state: { retired: day } })}
          />
        )}
        {price.qualities?.length ? (
          price.qualities.map(({ quality, credits }, index) => (
            <NumberField
              key={quality}
              label={`${t.price[price.per]} · ${names[quality] ?? quality}`}
              value={credits}
              error={rule(`price.qualities[${index}].credits`)}
              onValue={(credits) => onChange(withQualityPrice(model, index, credits))}
            />
          ))
        ) : (
          <NumberField
            label={t.price[price.per]}
            value={price.credits}
            error={rule("price.credits")}
            onValue={(credits) => onChange({ ...model, price: { ...price, credits } })}
          />
        )}
      </div>
    </fieldset>
  );
}

interface PackageProperties {
  sold: Package;
  rule: RuleOf;
  onChange: (sold: Package) => void;
}

function PackageFields({ sold, rule, onChange }: PackageProperties) {
  const t = staffText.value.catalogue;
  return (
    <fieldset class="card stack">
      <legend class="label">
        {t.package} <code>{sold.id}</code>
      </legend>
      <div class="field-grid">
        <Field
          label={t.title}
          value={sold.title}
          onValue={(title) => onChange({ ...sold, title })}
          required
          maxlength={100}
          error={rule("title")}
        />
        <NumberField
          label={t.credits}
          value={sold.credits}
          error={rule("credits")}
          onValue={(credits) => onChange({ ...sold, credits })}
        />
        {sold.prices.map((price, index) => (
          <NumberField
            key={price.currency}
            label={t.priceIn(price.currency)}
            digits={fractionDigits(price.currency)}
            value={price.amount}
            onValue={(amount) => onChange({ ...sold, prices: replaced(sold.prices, index, { ...price, amount }) })}
          />
        ))}
      </div>
    </fieldset>
  );
}

interface NumberProperties {
  label: string;
  hint?: string;
  /** The rule that the API says it breaks. */
  error?: string | undefined;
  /** How many digits follow the decimal point. */
  digits?: number;
  /** The value in its smallest unit; not a number while the text is none. */
  value: number;
  onValue: (value: number) => void;
}

/** A number, which keeps the text that the person types as long as it means the value. */
function NumberField({ label, hint, error, digits = 0, value, onValue }: NumberProperties) {
  const t = staffText.value.catalogue;
  const [typed, setTyped] = useState(typedAmount(value, digits));
  return (
    <Field
      label={label}
      hint={hint}
      error={error && t.demanded(error)}
      required
      maxlength={12}
      pattern={digits ? `[0-9]+([.,][0-9]{1,${digits}})?` : "[0-9]+"}
      value={Object.is(smallestUnits(typed, digits), value) ? typed : typedAmount(value, digits)}
      onValue={(text) => {
        setTyped(text);
        onValue(smallestUnits(text, digits));
      }}
    />
  );
}

/** The whole document as text, for what has no field. */
function WholeDocument({ document, onChange }: { document: Document; onChange: (document: Document) => void }) {
  const t = staffText.value.catalogue;
  const [typed, setTyped] = useState<string>();
  const [error, setError] = useState<string>();
  const apply = () => {
    const parsed = parseDocument(typed ?? "");
    if ("error" in parsed) return setError(t.notDocument(parsed.error));
    setError(undefined);
    setTyped(undefined);
    onChange(parsed);
  };
  return (
    <details class="card">
      <summary>{t.document}</summary>
      <div class="stack">
        <Area
          label={t.json}
          hint={t.jsonHint}
          rows={12}
          maxlength={LONGEST_DOCUMENT}
          spellcheck={false}
          value={typed ?? JSON.stringify(document, null, 2)}
          onValue={setTyped}
          error={error}
        />
        <div class="row">
          <button type="button" class="button" disabled={typed === undefined} onClick={apply}>
            {t.apply}
          </button>
        </div>
      </div>
    </details>
  );
}
