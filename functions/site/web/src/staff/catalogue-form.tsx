/** The form of the catalogue: what is changed often has fields, the rest is in the text of the document. */
import { text } from "../text";
import { Field, Select } from "../ui/field";
import { fractionDigits } from "./amounts";
import {
  type Document,
  type Model,
  type Package,
  parseCatalogue,
  replaced,
  withQualityPrice,
} from "./catalogue-document";
import type { FormProperties } from "./document-desk";
import { DocumentForm, NumberField } from "./document-fields";
import { staffText } from "./text";

type RuleOf = FormProperties<Document>["rule"];

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

export function CatalogueForm({ form, document, rule, onChange, onReview }: FormProperties<Document>) {
  const t = staffText.value.catalogue;
  const { models, packages } = document;
  return (
    <DocumentForm {...{ form, document, onChange, onReview }} hint={t.jsonHint} parse={parseCatalogue}>
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
    </DocumentForm>
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
