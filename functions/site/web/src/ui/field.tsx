/** Form fields: label, control, error and hint, connected for screen readers. */
import type { ComponentChildren, TextareaHTMLAttributes } from "preact";
import { useId, useState } from "preact/hooks";

import { text } from "../text";
import { Icon } from "./icon";

interface LabelProperties {
  label: string;
  hint?: string | undefined;
  /** Why the value is not valid. */
  error?: string | undefined;
  optional?: boolean;
}

type Attributes = { id: string; "aria-describedby": string | undefined; "aria-invalid": boolean | undefined };

function Labelled({
  label,
  hint,
  error,
  optional,
  children,
}: LabelProperties & { children: (attributes: Attributes) => ComponentChildren }) {
  const id = useId();
  const description = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ") || undefined;
  return (
    <div class="field">
      <label for={id}>
        {label}
        {optional && <span class="muted"> ({text.value.actions.optional})</span>}
      </label>
      {children({ id, "aria-describedby": description, "aria-invalid": error ? true : undefined })}
      {error && (
        <p class="field-error" id={`${id}-error`}>
          {error}
        </p>
      )}
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

type ValueProperties = { value: string; onValue: (value: string) => void };

interface InputAttributes {
  type?: "text" | "email" | "search" | "date";
  name?: string;
  autocomplete?: string;
  inputmode?: "numeric";
  pattern?: string;
  placeholder?: string;
  required?: boolean;
  maxlength?: number;
}

export function Field({
  label,
  hint,
  error,
  optional,
  onValue,
  ...input
}: LabelProperties & ValueProperties & InputAttributes) {
  return (
    <Labelled {...{ label, hint, error, optional }}>
      {(attributes) => (
        <input
          class="input"
          {...(input as { type: "text" })}
          {...attributes}
          onInput={(event) => onValue(event.currentTarget.value)}
        />
      )}
    </Labelled>
  );
}

/** Removes what people copy along with a code: spaces and hyphens. */
export const normalizeCode = (code: string) => code.replace(/[\s-]/g, "");

/** A code from an email. Spaces in it do not matter. */
export function CodeField({ onValue, ...field }: LabelProperties & ValueProperties & { autocomplete?: string }) {
  return (
    <Field
      name="code"
      autocomplete="one-time-code"
      inputmode="numeric"
      required
      maxlength={16}
      {...field}
      onValue={(code) => onValue(normalizeCode(code))}
    />
  );
}

type AreaAttributes = Omit<TextareaHTMLAttributes, "value" | "maxlength"> & { maxlength: number };

/** A text of several lines. Says so when a paste was cut to `maxlength` characters. */
export function Area({
  label,
  hint,
  error,
  optional,
  onValue,
  ...area
}: LabelProperties & ValueProperties & AreaAttributes) {
  const [truncated, setTruncated] = useState(false);
  const paste = (event: ClipboardEvent & { currentTarget: HTMLTextAreaElement }) => {
    const { value, selectionStart, selectionEnd } = event.currentTarget;
    const pasted = event.clipboardData?.getData("text").replaceAll("\r\n", "\n").length ?? 0;
    setTruncated(value.length - (selectionEnd - selectionStart) + pasted > area.maxlength);
  };
  const message = truncated ? text.value.fieldHints.truncated(area.maxlength) : undefined;
  return (
    <Labelled {...{ label, hint, error: error ?? message, optional }}>
      {(attributes) => (
        <textarea
          class="input"
          {...area}
          {...attributes}
          onPaste={paste}
          onInput={(event) => {
            if (event.inputType !== "insertFromPaste") setTruncated(false);
            onValue(event.currentTarget.value);
          }}
        />
      )}
    </Labelled>
  );
}

interface SelectProperties extends LabelProperties, ValueProperties {
  options: readonly { value: string; label: string }[];
}

export function Select({ options, value, onValue, ...labelled }: SelectProperties) {
  return (
    <Labelled {...labelled}>
      {(attributes) => (
        <select class="input" {...attributes} value={value} onChange={(event) => onValue(event.currentTarget.value)}>
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      )}
    </Labelled>
  );
}

interface RadioGroupProperties<T extends string> {
  label: string;
  /** Why the choice is not valid. */
  error?: string | undefined;
  value: T;
  options: readonly { value: T; label: ComponentChildren; disabled?: boolean }[];
  onValue: (value: T) => void;
}

/** A choice between a few options, all of them visible. */
export function RadioGroup<T extends string>({ label, error, value, options, onValue }: RadioGroupProperties<T>) {
  const name = useId();
  return (
    <fieldset class="stack tight">
      <legend class="label">{label}</legend>
      <div class="options">
        {options.map((option) => (
          <label class="option" key={option.value}>
            <input
              type="radio"
              name={name}
              value={option.value}
              checked={option.value === value}
              disabled={option.disabled}
              onChange={() => onValue(option.value)}
            />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
      {error && (
        <p class="field-error" role="alert">
          {error}
        </p>
      )}
    </fieldset>
  );
}

/** A password with a button that shows it. */
export function Password(properties: LabelProperties & ValueProperties & { autocomplete: string }) {
  const { label, hint, error, onValue, value, autocomplete } = properties;
  const [shown, setShown] = useState(false);
  const t = text.value.accounts;
  return (
    <Labelled {...{ label, hint, error }}>
      {(attributes) => (
        <div class="input-with-button">
          <input
            class="input"
            {...(shown ? { type: "text" } : { type: "password" })}
            required
            maxlength={256}
            autocomplete={autocomplete}
            value={value}
            {...attributes}
            onInput={(event) => onValue(event.currentTarget.value)}
          />
          <button
            type="button"
            class="button icon ghost"
            aria-pressed={shown}
            aria-label={shown ? t.hidePassword : t.showPassword}
            onClick={() => setShown(!shown)}
          >
            <Icon name="eye" />
          </button>
        </div>
      )}
    </Labelled>
  );
}
