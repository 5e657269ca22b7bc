/** The texts of the operator: name, imprint, contact, terms, color and logo. */
import { useId, useState } from "preact/hooks";

import { api, type Schema, unwrap } from "../api/client";
import { Area, Field } from "../ui/field";
import { fieldsOf } from "./document-changes";
import { DocumentDesk, type DocumentRoutes, type FormProperties } from "./document-desk";
import { DocumentForm } from "./document-fields";
import { sectionsOf, textOf } from "./terms-format";
import { staffText } from "./text";

type Document = Schema["ServiceTexts"];

const routes: DocumentRoutes<Document> = {
  list: (query) => unwrap(api.GET("/v1/staff/texts/versions", { params: { query } })),
  version: (number) => unwrap(api.GET("/v1/staff/texts/versions/{number}", { params: { path: { number } } })),
  publish: (body, params) => unwrap(api.POST("/v1/staff/texts/versions", { params, body })),
};

const LANGUAGES = ["en", "de"] as const;
const THEMES = ["light", "dark"] as const;
/** The most characters of a text: as many as the API takes. */
const LONGEST = 10_000;
/** The most bytes of a logo. */
const LOGO_BYTES = 16_384;

const FIELDS = new Set(
  ["reason", "name", "contact", "imprint.en", "imprint.de", "terms.version", "accent.light", "accent.dark", "logo"].map(
    (field) => (field === "reason" ? field : `document.${field}`),
  ),
);

export function Texts() {
  return <DocumentDesk lead={staffText.value.texts.lead} routes={routes} shownFields={() => FIELDS} Form={TextsForm} />;
}

function TextsForm({ form, document, rule, onChange, onReview }: FormProperties<Document>) {
  const t = staffText.value.texts;
  const { imprint, terms, accent } = document;
  const demanded = (field: string) => {
    const broken = rule(`document.${field}`);
    return broken && staffText.value.documents.demanded(broken);
  };
  return (
    <DocumentForm {...{ form, document, onChange, onReview }} hint={t.jsonHint} parse={parse}>
      <fieldset class="card stack">
        <legend class="label">{t.service}</legend>
        <div class="field-grid">
          <Field
            label={t.name}
            value={document.name}
            onValue={(name) => onChange({ ...document, name })}
            required
            maxlength={40}
            error={demanded("name")}
          />
          <Field
            label={t.contact}
            hint={t.contactHint}
            type="email"
            optional
            value={document.contact}
            onValue={(contact) => onChange({ ...document, contact })}
            maxlength={254}
            error={demanded("contact")}
          />
          {THEMES.map((theme) => (
            <Field
              key={theme}
              label={t.accent[theme]}
              hint={t.accentHint}
              value={accent[theme]}
              onValue={(color) => onChange({ ...document, accent: { ...accent, [theme]: color } })}
              required
              maxlength={7}
              pattern="#[0-9a-f]{6}"
              error={demanded(`accent.${theme}`)}
            />
          ))}
        </div>
        <LogoField value={document.logo} error={demanded("logo")} onValue={(logo) => onChange({ ...document, logo })} />
      </fieldset>
      <fieldset class="card stack">
        <legend class="label">{t.imprint}</legend>
        {LANGUAGES.map((language) => (
          <Area
            key={language}
            label={t.inLanguage[language]}
            optional
            rows={5}
            maxlength={LONGEST}
            value={imprint[language]}
            onValue={(text) => onChange({ ...document, imprint: { ...imprint, [language]: text } })}
            error={demanded(`imprint.${language}`)}
          />
        ))}
      </fieldset>
      <fieldset class="card stack">
        <legend class="label">{t.terms}</legend>
        <p class="small muted">{t.termsHint}</p>
        <Field
          label={t.termsVersion}
          hint={t.termsVersionHint}
          type="date"
          value={terms.version}
          onValue={(version) => onChange({ ...document, terms: { ...terms, version } })}
          required
          error={demanded("terms.version")}
        />
        {LANGUAGES.map((language) => (
          <TermsArea
            key={language}
            label={t.inLanguage[language]}
            sections={terms[language]}
            onSections={(sections) => onChange({ ...document, terms: { ...terms, [language]: sections } })}
          />
        ))}
      </fieldset>
    </DocumentForm>
  );
}

interface TermsProperties {
  label: string;
  sections: Document["terms"]["en"];
  onSections: (sections: Document["terms"]["en"]) => void;
}

/** The terms in a language, which keep the text that the person types as long as it means the sections. */
function TermsArea({ label, sections, onSections }: TermsProperties) {
  const [typed, setTyped] = useState(textOf(sections));
  const means = JSON.stringify(sectionsOf(typed)) === JSON.stringify(sections);
  return (
    <Area
      label={label}
      rows={12}
      required
      maxlength={5 * LONGEST}
      value={means ? typed : textOf(sections)}
      onValue={(text) => {
        setTyped(text);
        onSections(sectionsOf(text));
      }}
    />
  );
}

interface LogoProperties {
  value: string;
  error: string | undefined;
  onValue: (url: string) => void;
}

/** A PNG from a file. */
function LogoField({ value, error, onValue }: LogoProperties) {
  const t = staffText.value.texts;
  const id = useId();
  const [refused, setRefused] = useState(false);
  const read = (file: File | undefined) => {
    if (!file) return;
    const fits = file.type === "image/png" && file.size <= LOGO_BYTES;
    setRefused(!fits);
    if (!fits) return;
    const reader = new FileReader();
    reader.addEventListener("load", () => onValue(String(reader.result)));
    reader.readAsDataURL(file);
  };
  return (
    <div class="field">
      <label for={id}>{t.logo}</label>
      <div class="row">
        {value && <img class="logo-preview" src={value} alt={t.logoPreview} />}
        <input
          id={id}
          type="file"
          accept="image/png"
          aria-describedby={`${id}-hint`}
          onChange={(event) => read(event.currentTarget.files?.[0])}
        />
        {value && (
          <button type="button" class="button small" onClick={() => onValue("")}>
            {t.removeLogo}
          </button>
        )}
      </div>
      {(error || refused) && <p class="field-error">{error ?? t.logoHint}</p>}
      <p class="hint" id={`${id}-hint`}>
        {t.logoHint}
      </p>
    </div>
  );
}

const isSection = (value: unknown): boolean => {
  const { title, text, items = [] } = fieldsOf(value);
  return typeof title === "string" && typeof text === "string" && Array.isArray(items);
};

/** Returns the texts that a value is, or the first field that the form needs and that is missing. */
export function parse(value: unknown): Document | string {
  const { name, contact, logo, imprint, accent, terms } = fieldsOf(value);
  const texts = {
    name,
    contact,
    logo,
    "imprint.en": fieldsOf(imprint).en,
    "imprint.de": fieldsOf(imprint).de,
    "accent.light": fieldsOf(accent).light,
    "accent.dark": fieldsOf(accent).dark,
    "terms.version": fieldsOf(terms).version,
  };
  const missing = Object.entries(texts).find(([, text]) => typeof text !== "string");
  if (missing) return missing[0];
  const broken = LANGUAGES.find((language) => {
    const sections = fieldsOf(terms)[language];
    return !Array.isArray(sections) || !sections.every(isSection);
  });
  return broken ? `terms.${broken}` : (value as Document);
}
