/** What a person sees of a generation that was just submitted. */
import type { Schema } from "../../api/client";
import { text } from "../../text";
import { showToast } from "../../ui/toasts";
import { addJob, isInFlight, recentJobs } from "./recent-jobs";

/** How far down in the window a new job may begin without being scrolled into view. */
const VISIBLE_PART = 0.6;

const toasts = new Map<string, () => void>();

recentJobs.subscribe((jobs) => {
  for (const job of jobs ?? []) {
    if (isInFlight(job)) continue;
    toasts.get(job.id)?.();
    toasts.delete(job.id);
  }
});

/**
 * Adds a submitted generation to the recent ones, scrolls to it where it lies below the window, and announces it with a
 * toast, which goes when the generation ends.
 */
export function showSubmitted(generation: Schema["GenerationView"]): void {
  addJob(generation);
  toasts.set(generation.id, showToast(text.value.generations.submitted));
  // After the next render, which adds the job.
  requestAnimationFrame(() => {
    const list = document.getElementById("recent");
    const job = document.querySelector(".jobs-list > li");
    if (!job || job.getBoundingClientRect().top < innerHeight * VISIBLE_PART) return;
    list?.scrollIntoView({ block: "start", behavior: "smooth" });
  });
}
