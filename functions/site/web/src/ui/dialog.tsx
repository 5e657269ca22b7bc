/** A modal dialog: the browser keeps the focus inside. */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

interface Properties {
  title: string;
  /** Called on Escape; without it the dialog stays open. */
  onClose?: () => void;
  children: ComponentChildren;
}

/**
 * Opens a dialog. Returns a function that restores the focus after the dialog was removed: a browser does that only for a
 * dialog that was closed.
 */
export function showModal(dialog: HTMLDialogElement | null): () => void {
  const focused = document.activeElement;
  dialog?.showModal();
  return () => {
    if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  };
}

export function Dialog({ title, onClose, children }: Properties) {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => showModal(dialog.current), []);
  const cancel = (event: Event) => {
    event.preventDefault();
    onClose?.();
  };
  const reopen = () => {
    // Browsers close a dialog on the second Escape even if the page prevents it.
    if (dialog.current?.isConnected) dialog.current.showModal();
  };
  return (
    <dialog class="dialog stack" ref={dialog} aria-labelledby={id} onCancel={cancel} onClose={reopen}>
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}
