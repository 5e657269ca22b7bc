/** The reference image of a generation: dropped, pasted or chosen. */
import { useRef, useState } from "preact/hooks";

import { ApiError } from "../../api/error";
import { text } from "../../text";
import { useDropAndPaste } from "../../ui/drop-and-paste";
import { errorMessage } from "../../ui/error-message";
import { Icon } from "../../ui/icon";
import { draft, updateDraft } from "../studio/draft";
import { CONTENT_TYPES, MAX_BYTES, type Progress, UploadRejected, upload } from "./upload";

type State =
  | { kind: "idle" }
  | { kind: "uploading"; name: string; progress: Progress }
  | { kind: "failed"; message: string };

export function ReferenceImage({ error }: { error: string | undefined }) {
  const t = text.value.uploads;
  const [state, setState] = useState<State>({ kind: "idle" });
  const [isDragging, setDragging] = useState(false);
  const [preview, setPreview] = useState<string>();
  const running = useRef<AbortController>(undefined);

  const send = async (file: File | null | undefined) => {
    if (!file) return;
    if (!CONTENT_TYPES.includes(file.type)) return setState({ kind: "failed", message: t.unsupported(file.name) });
    if (file.size === 0) return setState({ kind: "failed", message: t.empty(file.name) });
    if (file.size > MAX_BYTES) return setState({ kind: "failed", message: t.tooLarge(file.name) });
    running.current?.abort();
    const control = new AbortController();
    running.current = control;
    const preview = await previewOf(file);
    setPreview(preview);
    const report = (progress: Progress) => setState({ kind: "uploading", name: file.name, progress });
    try {
      const id = await upload(file, report, control.signal);
      updateDraft({ referenceImage: { id, name: file.name, preview } });
      setState({ kind: "idle" });
    } catch (error) {
      if (control.signal.aborted) return;
      setPreview(undefined);
      setState({ kind: "failed", message: uploadMessage(file.name, error) });
    }
  };
  useDropAndPaste(CONTENT_TYPES, send, setDragging);
  const remove = () => {
    running.current?.abort();
    updateDraft({ referenceImage: undefined });
    setPreview(undefined);
    setState({ kind: "idle" });
  };
  const { referenceImage } = draft.value;
  const isUploading = state.kind === "uploading";
  const shown = isUploading ? preview : referenceImage?.preview;
  const message = state.kind === "failed" ? state.message : error;
  return (
    <div class="field">
      <span class="label">{t.referenceImage}</span>
      <div class={isDragging ? "drop-zone drag-over" : "drop-zone"}>
        {shown ? <img class="drop-preview" src={shown} alt={t.preview} /> : <Icon name="upload" />}
        <div class="stack tight" role="status">
          {isUploading ? (
            <UploadProgress name={state.name} progress={state.progress} />
          ) : referenceImage ? (
            <p>
              <bdi>{t.ready(referenceImage.name || t.referenceImage)}</bdi>
            </p>
          ) : (
            <p class="small muted">{t.hint}</p>
          )}
          {message && <p class="field-error">{message}</p>}
          <div class="row">
            {!isUploading && <FileButton onFile={send} />}
            {(referenceImage || isUploading) && (
              <button type="button" class="button ghost small" onClick={remove}>
                {text.value.actions.remove}
              </button>
            )}
          </div>
        </div>
      </div>
    </div>
  );
}

/** The longest side of a preview, in pixels. */
const PREVIEW_PIXELS = 256;

/**
 * Returns a small copy of an image as a data address, which a reload keeps with the draft; nothing for a file that is not an
 * image.
 */
async function previewOf(file: File): Promise<string | undefined> {
  const image = await createImageBitmap(file).catch(() => undefined);
  if (!image) return undefined;
  const scale = Math.min(1, PREVIEW_PIXELS / Math.max(image.width, image.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(image.width * scale));
  canvas.height = Math.max(1, Math.round(image.height * scale));
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  image.close();
  return canvas.toDataURL("image/jpeg", 0.8);
}

function uploadMessage(name: string, error: unknown): string {
  const t = text.value.uploads;
  if (error instanceof UploadRejected) return t.rejected(name, t.rejections[error.code]);
  if (!(error instanceof ApiError) || error.type === "upload-failed") return t.failed(name);
  return errorMessage(error);
}

function FileButton({ onFile }: { onFile: (file: File | undefined) => unknown }) {
  const t = text.value.uploads;
  return (
    <label class="button small file-button">
      <input
        type="file"
        accept={CONTENT_TYPES.join()}
        aria-label={t.referenceImage}
        onChange={(event) => {
          onFile(event.currentTarget.files?.[0]);
          event.currentTarget.value = "";
        }}
      />
      {t.chooseFile}
    </label>
  );
}

function UploadProgress({ name, progress }: { name: string; progress: Progress }) {
  const t = text.value.uploads;
  if (progress.kind === "checking") {
    return (
      <>
        <p>
          <bdi>{t.checking(name)}</bdi>
        </p>
        <div class="bar indeterminate">
          <i />
        </div>
      </>
    );
  }
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
