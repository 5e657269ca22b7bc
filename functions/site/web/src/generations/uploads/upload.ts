/** Uploads: declare a file, send it with progress, wait for its inspection. */
import { api, idempotencyHeader, type Schema, unwrap } from "../../api/client";
import { ApiError } from "../../api/error";
import { growingWait } from "../../api/poll";

/** The supported content types. */
export const CONTENT_TYPES = ["image/jpeg", "image/png", "image/webp"];
/** The largest supported size, in bytes. */
export const MAX_BYTES = 20 * 1024 * 1024;
/** The first and the longest wait between two requests for the result of the inspection, in milliseconds. */
const [POLL_FIRST_MS, POLL_LONGEST_MS] = [700, 5_000];
/** How long the result is waited for, in milliseconds. */
const POLL_DURATION_MS = 120_000;

/** The progress of an upload: the part that is sent, from 0 to 1, or its inspection. */
export type Progress = { kind: "sending"; part: number } | { kind: "checking" };

/** Reports that the inspection rejected a file. */
export class UploadRejected extends Error {
  constructor(readonly code: Schema["RejectionCode"]) {
    super(code);
  }
}

/**
 * Uploads a file, waits for its inspection, and returns the id of the upload.
 *
 * @throws {UploadRejected} The inspection rejected it.
 * @throws {ApiError} `upload-failed` if it was not stored, or an error of the API.
 */
export async function upload(
  file: File,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<string> {
  onProgress({ kind: "sending", part: 0 });
  const sha256 = toHex(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  const body = { content_type: file.type, bytes: file.size, sha256, file_name: safeName(file.name) };
  const declared = await unwrap<Schema["UploadView"]>(
    api.POST("/v1/uploads", { body, params: idempotencyHeader(), signal }),
  );
  if (!declared.put) throw new ApiError("upload-failed", 0);
  await put(declared.put, file, onProgress, signal);
  onProgress({ kind: "checking" });
  const end = Date.now() + POLL_DURATION_MS;
  for (let polls = 0; Date.now() < end; polls++) {
    const { state } = await unwrap<Schema["UploadView"]>(
      api.GET("/v1/uploads/{id}", { params: { path: { id: declared.id } }, signal }),
    );
    if (state.status === "ready") return declared.id;
    if (state.status === "rejected") throw new UploadRejected(state.code);
    await new Promise((resolve) => setTimeout(resolve, growingWait(polls, POLL_FIRST_MS, POLL_LONGEST_MS)));
    signal.throwIfAborted();
  }
  throw new ApiError("upload-failed", 0);
}

/** Sends a file to its presigned address. `fetch` does not report progress, `XMLHttpRequest` does. */
function put(
  presigned: Schema["PresignedView"],
  file: File,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(presigned.method, presigned.url);
    for (const { name, value } of presigned.headers) {
      // The browser sets these itself.
      if (!["host", "content-length"].includes(name.toLowerCase())) request.setRequestHeader(name, value);
    }
    request.upload.onprogress = ({ loaded, total }) =>
      onProgress({ kind: "sending", part: total ? loaded / total : 0 });
    request.onload = () => (request.status < 300 ? resolve() : reject(new ApiError("upload-failed", request.status)));
    request.onerror = () => reject(new ApiError(navigator.onLine ? "upload-failed" : "offline", 0));
    request.onabort = () => reject(new DOMException("", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

/** Removes what the API refuses in a file name: control characters, and what is behind the 200th character. */
export function safeName(name: string): string | null {
  const characters = [...name.toWellFormed().replace(/\p{Cc}/gu, " ")];
  return characters.slice(0, 200).join("") || null;
}

function toHex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
