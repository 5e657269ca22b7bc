/** A dialog: the browser keeps the focus inside. */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

interface Properties {
  title: string;
  /** Called by Escape and the button; without it the dialog stays. */
  onClose?: () => void;
  children: ComponentChildren;
}

/**
 * Opens a dialog. What it returns gives the focus back, when the dialog has been taken away: a browser does that only for one
 * that is closed.
 */
export function showModal(dialog: HTMLDialogElement | null): () => void {
  const before = document.activeElement;
  dialog?.showModal();
  return () => {
    if (before instanceof HTMLElement) before.focus({ preventScroll: true });
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
  const close = () => {
    // A browser lets nobody be kept in by one dialog: the second Escape closes it unasked.
    if (dialog.current?.isConnected) dialog.current.showModal();
  };
  return (
    <dialog class="dialog stack" ref={dialog} aria-labelledby={id} onCancel={cancel} onClose={close}>
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}
