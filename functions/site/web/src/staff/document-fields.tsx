/** The fields that the forms of documents have in common. */
import type { ComponentChildren, RefObject } from "preact";
import { useState } from "preact/hooks";

import { Area, Field } from "../ui/field";
import { smallestUnits, typedAmount } from "./amounts";
import { parseDocument } from "./document-changes";
import { staffText } from "./text";

/** The most characters of a document: an item of the table holds no more. */
const LONGEST_DOCUMENT = 400_000;

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
export function NumberField({ label, hint, error, digits = 0, value, onValue }: NumberProperties) {
  const t = staffText.value.documents;
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

type DocumentFormProperties<D> = WholeProperties<D> & {
  form: RefObject<HTMLFormElement | null>;
  onReview: () => void;
  /** The fields. */
  children: ComponentChildren;
};

/** The form of a document: its fields, then the whole document as text. */
export function DocumentForm<D>({ form, onReview, children, ...whole }: DocumentFormProperties<D>) {
  const submit = (event: Event) => {
    event.preventDefault();
    onReview();
  };
  return (
    <form class="stack" ref={form} onSubmit={submit}>
      {children}
      <WholeDocument {...whole} />
      <div class="row">
        <button type="submit" class="button">
          {staffText.value.documents.review}
        </button>
      </div>
    </form>
  );
}

interface WholeProperties<D> {
  document: D;
  hint: string;
  /** Returns the document that a value is, or the fields that the form needs and that it lacks. */
  parse: (value: unknown) => D | string;
  onChange: (document: D) => void;
}

/** The whole document as text, for what has no field. */
function WholeDocument<D>({ document, hint, parse, onChange }: WholeProperties<D>) {
  const t = staffText.value.documents;
  const [typed, setTyped] = useState<string>();
  const [error, setError] = useState<string>();
  const apply = () => {
    const parsed = parseDocument(typed ?? "", parse);
    if ("error" in parsed) return setError(t.notDocument(parsed.error));
    setError(undefined);
    setTyped(undefined);
    onChange(parsed.document);
  };
  return (
    <details class="card">
      <summary>{t.document}</summary>
      <div class="stack">
        <Area
          label={t.json}
          hint={hint}
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
