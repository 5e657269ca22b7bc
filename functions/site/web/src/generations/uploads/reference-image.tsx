/** The picture to work from: dropped, pasted or chosen. */
import { useEffect, useRef, useState } from "preact/hooks";

import { Trouble } from "../../api/error";
import { text } from "../../text";
import { Icon } from "../../ui/icon";
import { told } from "../../ui/states";
import { compose, draft } from "../studio/draft";
import { LARGEST, type Progress, TYPES, upload } from "./upload";

type State = { kind: "empty" } | { kind: "going"; name: string; progress: Progress } | { kind: "wrong"; words: string };

export function InputImage() {
  const t = text.value.studio;
  const [state, set] = useState<State>({ kind: "empty" });
  const [over, hover] = useState(false);
  const [preview, show] = useState<string>();
  const running = useRef<AbortController>(undefined);
  const zone = useRef<HTMLDivElement>(null);

  const send = async (file: File | null | undefined) => {
    if (!file) return;
    // Wherever it was dropped or pasted: what becomes of it is told here.
    const around = zone.current?.closest("details");
    if (around) around.open = true;
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
      show(undefined);
      set({ kind: "wrong", words: error instanceof Trouble ? words(error) : t.uploadFailed });
    }
  };
  useHanded(send, hover);
  useEffect(
    () => () => {
      if (preview) URL.revokeObjectURL(preview);
    },
    [preview],
  );
  const remove = () => {
    running.current?.abort();
    compose({ input: undefined });
    show(undefined);
    set({ kind: "empty" });
  };
  const { input } = draft.value;
  return (
    <div class={over ? "drop over" : "drop"} ref={zone}>
      {preview && (input || state.kind === "going") ? (
        <img class="drop-preview" src={preview} alt="" />
      ) : (
        <Icon name="upload" />
      )}
      <div class="stack tight" role="status">
        {state.kind === "going" ? (
          <Going name={state.name} progress={state.progress} />
        ) : input ? (
          <p>
            <bdi>{t.uploadReady(input.name || t.input)}</bdi>
          </p>
        ) : (
          <p class="small soft">{t.inputHint}</p>
        )}
        {state.kind === "wrong" && <p class="wrong">{state.words}</p>}
        <div class="row">
          {state.kind !== "going" && (
            <label class="button small filer">
              <input
                type="file"
                accept={TYPES.join()}
                aria-label={t.input}
                onChange={(event) => {
                  void send(event.currentTarget.files?.[0]);
                  event.currentTarget.value = "";
                }}
              />
              {t.choose}
            </label>
          )}
          {(input || state.kind === "going") && (
            <button type="button" class="button quiet small" onClick={remove}>
              {text.value.doing.remove}
            </button>
          )}
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
  if (progress.kind === "checking")
    return (
      <>
        <p>
          <bdi>{t.checking(name)}</bdi>
        </p>
        <div class="bar unknown">
          <i />
        </div>
      </>
    );
  const percent = Math.round(progress.part * 100);
  return (
    <>
      <p>
        <bdi>{t.uploading(name)}</bdi>
      </p>
      <div
        class="bar"
        role="progressbar"
        aria-label={t.uploading(name)}
        aria-valuenow={percent}
        aria-valuemin={0}
        aria-valuemax={100}
      >
        <i style={{ inlineSize: `${percent}%` }} />
      </div>
    </>
  );
}

/** A file that is dropped anywhere on the page, or a picture that is pasted; pasted text goes where it was meant to go. */
function useHanded(take: (file: File) => void, hover: (over: boolean) => void): void {
  const latest = useRef(take);
  latest.current = take;
  useEffect(() => {
    const control = new AbortController();
    const { signal } = control;
    const paste = (event: ClipboardEvent) => {
      const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => TYPES.includes(type));
      if (!file) return;
      event.preventDefault();
      latest.current(file);
    };
    const over = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      hover(true);
    };
    const leave = ({ relatedTarget }: DragEvent) => {
      if (!relatedTarget) hover(false);
    };
    const drop = (event: DragEvent) => {
      const file = event.dataTransfer?.files[0];
      hover(false);
      if (!file) return;
      event.preventDefault();
      latest.current(file);
    };
    document.addEventListener("paste", paste, { signal });
    document.addEventListener("dragover", over, { signal });
    document.addEventListener("dragleave", leave, { signal });
    document.addEventListener("drop", drop, { signal });
    return () => control.abort();
  }, []);
}
