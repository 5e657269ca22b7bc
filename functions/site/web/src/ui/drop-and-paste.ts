/** Files that a person drops on a page or pastes into it. */
import { useEffect, useRef } from "preact/hooks";

/** Handles files that are dropped or, if they have one of the types, pasted anywhere on the page. Pasted text is left to the focused field. */
export function useDropAndPaste(
  types: readonly string[],
  onFile: (file: File) => void,
  onDragging: (isDragging: boolean) => void,
): void {
  const latest = useRef(onFile);
  latest.current = onFile;
  useEffect(() => {
    const control = new AbortController();
    const { signal } = control;
    const paste = (event: ClipboardEvent) => {
      const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => types.includes(type));
      if (!file) return;
      event.preventDefault();
      latest.current(file);
    };
    const dragOver = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      onDragging(true);
    };
    const dragLeave = ({ relatedTarget }: DragEvent) => {
      if (!relatedTarget) onDragging(false);
    };
    const drop = (event: DragEvent) => {
      const file = event.dataTransfer?.files[0];
      onDragging(false);
      if (!file) return;
      event.preventDefault();
      latest.current(file);
    };
    document.addEventListener("paste", paste, { signal });
    document.addEventListener("dragover", dragOver, { signal });
    document.addEventListener("dragleave", dragLeave, { signal });
    document.addEventListener("drop", drop, { signal });
    return () => control.abort();
  }, []);
}
