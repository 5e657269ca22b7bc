/** Fields of forms: label, hint, what is wrong, tied together for those who hear them. */
import type { ComponentChildren, TextareaHTMLAttributes } from "preact";
import { useId, useState } from "preact/hooks";

import { text } from "../text";
import { Icon } from "./icon";

interface Around {
  label: string;
  hint?: string | undefined;
  /** The rule that the value breaks. */
  wrong?: string | undefined;
  optional?: boolean;
}

type Attributes = { id: string; "aria-describedby": string | undefined; "aria-invalid": boolean | undefined };

function Labelled({
  label,
  hint,
  wrong,
  optional,
  children,
}: Around & { children: (attributes: Attributes) => ComponentChildren }) {
  const id = useId();
  const described = [hint && `${id}-hint`, wrong && `${id}-wrong`].filter(Boolean).join(" ") || undefined;
  return (
    <div class="field">
      <label for={id}>
        {label}
        {optional && <span class="soft"> ({text.value.doing.optional})</span>}
      </label>
      {children({ id, "aria-describedby": described, "aria-invalid": wrong ? true : undefined })}
      {wrong && (
        <p class="wrong" id={`${id}-wrong`}>
          {wrong}
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

type Typed = { value: string; onValue: (value: string) => void };

interface Line {
  type?: "text" | "email" | "search";
  name?: string;
  autocomplete?: string;
  inputmode?: "numeric";
  pattern?: string;
  placeholder?: string;
  required?: boolean;
  maxlength?: number;
}

export function Field({ label, hint, wrong, optional, onValue, ...input }: Around & Typed & Line) {
  return (
    <Labelled {...{ label, hint, wrong, optional }}>
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

export function Area({
  label,
  hint,
  wrong,
  optional,
  onValue,
  ...area
}: Around & Typed & Omit<TextareaHTMLAttributes, "value">) {
  return (
    <Labelled {...{ label, hint, wrong, optional }}>
      {(attributes) => (
        <textarea class="input" {...area} {...attributes} onInput={(event) => onValue(event.currentTarget.value)} />
      )}
    </Labelled>
  );
}

interface Selectable extends Around {
  value: string;
  options: readonly { value: string; label: string }[];
  onValue: (value: string) => void;
}

export function Select({ options, value, onValue, ...around }: Selectable) {
  return (
    <Labelled {...around}>
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

interface Choosable<T extends string> {
  label: string;
  value: T;
  options: readonly { value: T; label: ComponentChildren; disabled?: boolean }[];
  onValue: (value: T) => void;
}

/** A choice of few, all in sight. */
export function Choice<T extends string>({ label, value, options, onValue }: Choosable<T>) {
  const name = useId();
  return (
    <fieldset class="stack tight">
      <legend class="label">{label}</legend>
      <div class="choices">
        {options.map((option) => (
          <label class="choice" key={option.value}>
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
    </fieldset>
  );
}

/** A password, which can be looked at. */
export function Password(properties: Around & Typed & { autocomplete: string }) {
  const { label, hint, wrong, onValue, value, autocomplete } = properties;
  const [shown, show] = useState(false);
  const t = text.value.session;
  return (
    <Labelled {...{ label, hint, wrong }}>
      {(attributes) => (
        <div class="joined">
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
            class="button icon quiet"
            aria-pressed={shown}
            aria-label={shown ? t.hide : t.show}
            onClick={() => show(!shown)}
          >
            <Icon name="eye" />
          </button>
        </div>
      )}
    </Labelled>
  );
}
