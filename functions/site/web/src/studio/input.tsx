/** The picture to work from: dropped, pasted or chosen. */
import { useEffect, useRef, useState } from "preact/hooks";

import { Trouble } from "../api/trouble";
import { text } from "../text";
import { Icon } from "../ui/icon";
import { told } from "../ui/states";
import { compose, draft } from "./draft";
import { LARGEST, type Progress, TYPES, upload } from "./upload";

type State = { kind: "empty" } | { kind: "going"; name: string; progress: Progress } | { kind: "wrong"; words: string };

export function InputImage() {
  const t = text.value.studio;
  const [state, set] = useState<State>({ kind: "empty" });
  const [over, hover] = useState(false);
  const [preview, show] = useState<string>();
  const running = useRef<AbortController>(undefined);

  const send = async (file: File | null | undefined) => {
    if (!file) return;
    if (!TYPES.includes(file.type)) return set({ kind: "wrong", words: t.uploadWrongType });
    if (file.size > LARGEST) return set({ kind: "wrong", words: t.uploadTooLarge });
    running.current?.abort();
    const control = new AbortController();
    running.current = control;
    show(URL.createObjectURL(file));
    try {
      const id = await upload(file, (progress) => set({ kind: "going", name: file.name, progress }), control.signal);
      compose({ input: { id, name: file.name } });
      set({ kind: "empty" });
    } catch (error) {
      if (control.signal.aborted) return;
      set({ kind: "wrong", words: error instanceof Trouble ? words(error) : t.uploadFailed });
    }
  };
  usePaste(send);
  useEffect(() => () => { if (preview) URL.revokeObjectURL(preview); }, [preview]);
  const remove = () => {
    running.current?.abort();
    compose({ input: undefined });
    show(undefined);
    set({ kind: "empty" });
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    hover(false);
    void send(event.dataTransfer?.files[0]);
  };
  const { input } = draft.value;
  return (
    <div class={over ? "drop over" : "drop"} onDragOver={(event) => { event.preventDefault(); hover(true); }} onDragLeave={() => hover(false)} onDrop={drop}>
      {preview && (input || state.kind === "going") ? <img class="drop-preview" src={preview} alt="" /> : <Icon name="upload" />}
      <div class="stack tight" role="status">
        {state.kind === "going" ? <Going name={state.name} progress={state.progress} /> : input ? <p><bdi>{t.uploadReady(input.name || t.input)}</bdi></p> : <p class="small soft">{t.inputHint}</p>}
        {state.kind === "wrong" && <p class="wrong">{state.words}</p>}
        <div class="row">
          {state.kind !== "going" && (
            <label class="button small filer">
              <input type="file" accept={TYPES.join()} aria-label={t.input} onChange={(event) => { void send(event.currentTarget.files?.[0]); event.currentTarget.value = ""; }} />
              {t.choose}
            </label>
          )}
          {(input || state.kind === "going") && <button type="button" class="button quiet small" onClick={remove}>{text.value.doing.remove}</button>}
        </div>
      </div>
    </div>
  );
}

function words(trouble: Trouble): string {
  const t = text.value.studio;
  if (trouble.kind === "rejected") return t.uploadRejected(trouble.message);
  return trouble.kind === "upload" ? t.uploadFailed : told(trouble);
}

function Going({ name, progress }: { name: string; progress: Progress }) {
  const t = text.value.studio;
  if (progress.kind === "checking") return <><p><bdi>{t.checking(name)}</bdi></p><div class="bar unknown"><i /></div></>;
  const percent = Math.round(progress.part * 100);
  return (
    <>
      <p><bdi>{t.uploading(name)}</bdi></p>
      <div class="bar" role="progressbar" aria-label={t.uploading(name)} aria-valuenow={percent} aria-valuemin={0} aria-valuemax={100}><i style={{ inlineSize: `${percent}%` }} /></div>
    </>
  );
}

/** A picture from the clipboard; pasted text goes where it was meant to go. */
function usePaste(take: (file: File) => void): void {
  const latest = useRef(take);
  latest.current = take;
  useEffect(() => {
    const paste = (event: ClipboardEvent) => {
      const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => TYPES.includes(type));
      if (!file) return;
      event.preventDefault();
      latest.current(file);
    };
    document.addEventListener("paste", paste);
    return () => document.removeEventListener("paste", paste);
  }, []);
}
