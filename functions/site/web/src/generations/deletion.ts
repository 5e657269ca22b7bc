/** Deletes images, videos and generations, unless the person undoes it within some seconds. */
import { api, idempotencyHeader, type Schema, unwrap } from "../api/client";
import { text } from "../text";
import { runUnlessUndone } from "../ui/toasts";
import { hide, keyOf } from "./gallery/feed";
import { loadRecentJobs } from "./studio/recent-jobs";

type Generation = Schema["GenerationView"];

/** Deletes an image or a video of a generation; without one, the generation, which has none. */
export function deleteOutput(generation: Generation, output?: Schema["OutputView"]): void {
  const { id, kind } = generation;
  const t = text.value.viewer.deleted;
  const request = () => {
    const header = idempotencyHeader();
    if (!output) {
      return unwrap(api.DELETE("/v1/generations/{id}", { params: { path: { id }, ...header }, keepalive: true }));
    }
    const params = { path: { id, output: output.number }, ...header };
    return unwrap(api.DELETE("/v1/generations/{id}/outputs/{output}", { params, keepalive: true }));
  };
  const restore = hide(keyOf(id, output?.number));
  runUnlessUndone(output ? t[kind] : t.generation, () => request().then(loadRecentJobs), restore);
}
