/** A text to copy, with the button that copies it. */
import { useId, useRef, useState } from "preact/hooks";

import { text } from "../text";
import { Icon } from "./icon";
import { showToast } from "./toasts";

interface CopyFieldProperties {
  label: string;
  value: string;
  hint: string;
}

export function CopyField({ label, value, hint }: CopyFieldProperties) {
  const { actions } = text.value;
  const id = useId();
  const [copied, setCopied] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value);
      setCopied(true);
    } catch {
      // The browser may deny access to the clipboard: the person copies the selected text.
      field.current?.focus();
      showToast(actions.copyManually);
    }
  };
  return (
    <div class="new-link stack tight">
      <label class="label" for={id}>
        {label}
      </label>
      <input
        ref={field}
        id={id}
        class="input"
        readonly
        value={value}
        aria-describedby={`${id}-hint`}
        onFocus={(event) => event.currentTarget.select()}
      />
      <div class="row spread">
        <span class="small muted" id={`${id}-hint`}>
          {hint}
        </span>
        <button type="button" class="button small primary" onClick={copy}>
          <Icon name={copied ? "check" : "copy"} />
          {copied ? actions.copied : actions.copy}
        </button>
      </div>
    </div>
  );
}
