/** Forms of the console: a text, and buttons that do something with it. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import type { idempotencyHeader } from "../api/client";
import { ApiError } from "../api/error";
import { fieldMessage } from "../ui/error-message";
import { Area } from "../ui/field";
import { useIdempotencyKey, useMutation } from "../ui/query";
import { ErrorNotice } from "../ui/states";
import { TemplateChoice } from "./template-choice";

type Header = ReturnType<typeof idempotencyHeader>;

/** Something that a form does. */
export interface FormAction {
  label: string;
  danger?: boolean;
  /** Whether it needs no text. */
  textless?: boolean;
  run: (text: string, params: Header) => Promise<unknown>;
}

interface Properties {
  label: string;
  hint?: string;
  /** The name of the field in the API. */
  field: string;
  maxlength?: number;
  actions: readonly FormAction[];
  /** Further fields, above the text. */
  children?: ComponentChildren;
  /** The ticket that the text replies to: it can be chosen from the templates. */
  templatesFor?: string;
  /** What else the request says: another one gets another `Idempotency-Key`. */
  also?: unknown;
}

/** A form with one text. Pressing a button a second time after a lost response changes nothing more. */
export function TextForm({ label, hint, field, maxlength = 500, actions, templatesFor, children, also }: Properties) {
  const mutation = useMutation();
  const key = useIdempotencyKey();
  const [value, setValue] = useState("");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const action = actions[Number(event.submitter?.dataset.action ?? 0)];
    if (!action) return;
    void mutation.run(async () => {
      try {
        await action.run(value, key.paramsFor([action.label, value, also]));
      } catch (error) {
        // It is answered, and asking for the same again is another request.
        if (error instanceof ApiError && error.type === "refund-declined") key.reset();
        throw error;
      }
      key.reset();
      setValue("");
    });
  };
  return (
    <form class="stack" onSubmit={submit}>
      {children}
      {templatesFor && (
        <TemplateChoice ticket={templatesFor} onChosen={(text) => setValue(value ? `${value}\n\n${text}` : text)} />
      )}
      <Area
        label={label}
        hint={hint}
        required={actions.every(({ textless }) => !textless)}
        maxlength={maxlength}
        rows={2}
        value={value}
        onValue={setValue}
        error={fieldMessage(mutation.error, field)}
      />
      <ErrorNotice error={mutation.error} />
      <div class="row">
        {actions.map(({ label, danger, textless }, index) => (
          <button
            key={label}
            type="submit"
            class={danger ? "button danger" : "button"}
            data-action={index}
            disabled={mutation.busy || (!textless && value.trim() === "")}
          >
            {label}
          </button>
        ))}
      </div>
    </form>
  );
}

/** A button that changes something, with what went wrong below it. */
export function ActionButton({
  label,
  about,
  hint,
  run,
}: {
  label: string;
  /** What it is about, for screen readers, where several buttons have one label. */
  about?: string;
  hint?: string;
  run: (params: Header) => Promise<unknown>;
}) {
  const mutation = useMutation();
  const key = useIdempotencyKey();
  return (
    <div class="stack tight">
      {hint && <p class="small muted">{hint}</p>}
      <div class="row">
        <button
          type="button"
          class="button"
          disabled={mutation.busy}
          onClick={() =>
            void mutation.run(async () => {
              await run(key.paramsFor(label));
              key.reset();
            })
          }
        >
          {label}
          {about && <span class="visually-hidden">: {about}</span>}
        </button>
      </div>
      <ErrorNotice error={mutation.error} />
    </div>
  );
}

/** A name with its value. Without a value it is left out. */
export type Fact = readonly [string, ComponentChildren];

/** Facts, those without a value left out. */
export function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl class="facts">
      {facts
        .filter(([, value]) => value !== undefined && value !== null && value !== "")
        .map(([name, value], place) => [
          <dt key={`${place}-name`}>{name}</dt>,
          <dd key={place} dir="auto">
            {value}
          </dd>,
        ])}
    </dl>
  );
}
