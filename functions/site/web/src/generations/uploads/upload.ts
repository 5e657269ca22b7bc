/** Sending a picture to work from: declared, sent with progress, inspected. */
import { api, ask, once, type Schema } from "../../api/client";
import { Trouble } from "../../api/error";

/** What can be worked from. */
export const TYPES = ["image/jpeg", "image/png", "image/webp"];
/** Its largest size, in bytes. */
export const LARGEST = 20 * 1024 * 1024;
/** How often it is asked whether the inspection is over, in milliseconds. */
const ASK_EVERY_MS = 700;
/** How long that is asked, in milliseconds. */
const ASK_FOR_MS = 120_000;

/** Where an upload is: how much is sent, from 0 to 1, or that it is being inspected. */
export type Progress = { kind: "sending"; part: number } | { kind: "checking" };

/**
 * Sends a file and waits until it can be used.
 *
 * @throws {Trouble} It was not taken; `rejected` if it is not what it says.
 */
export async function upload(
  file: File,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<string> {
  onProgress({ kind: "sending", part: 0 });
  const sha256 = hexadecimal(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  const body = { content_type: file.type, bytes: file.size, sha256, file_name: file.name.slice(0, 200) || null };
  const declared = await ask<Schema["UploadView"]>(api.POST("/v1/uploads", { body, params: once(), signal }));
  if (!declared.put) throw new Trouble("upload", 0);
  await put(declared.put, file, onProgress, signal);
  onProgress({ kind: "checking" });
  for (const end = Date.now() + ASK_FOR_MS; Date.now() < end; ) {
    const { state } = await ask<Schema["UploadView"]>(
      api.GET("/v1/uploads/{id}", { params: { path: { id: declared.id } }, signal }),
    );
    if (state.status === "ready") return declared.id;
    if (state.status === "rejected") throw new Trouble("rejected", 0, { type: "", title: state.reason, status: 0 });
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
    signal.throwIfAborted();
  }
  throw new Trouble("upload", 0);
}

/** Only `XMLHttpRequest` tells how much has been sent. */
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
      // The browser writes these itself, as they were declared.
      if (!["host", "content-length"].includes(name.toLowerCase())) request.setRequestHeader(name, value);
    }
    request.upload.onprogress = ({ loaded, total }) =>
      onProgress({ kind: "sending", part: total ? loaded / total : 0 });
    request.onload = () => (request.status < 300 ? resolve() : reject(new Trouble("upload", request.status)));
    request.onerror = () => reject(new Trouble(navigator.onLine ? "upload" : "offline", 0));
    request.onabort = () => reject(new DOMException("", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

function hexadecimal(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
