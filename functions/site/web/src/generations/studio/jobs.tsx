/** The most recent generations: in flight, done, failed or canceled. */
import { useEffect, useState } from "preact/hooks";

import { currentAccount, loadAccount } from "../../accounts/account";
import { api, type Schema, unwrap } from "../../api/client";
import { duration, relativeTime, text } from "../../text";
import { Icon } from "../../ui/icon";
import { useIdempotencyKey, useMutation, useRetryWhenOnline } from "../../ui/query";
import { Empty, ErrorNotice, Loading } from "../../ui/states";
import { showToast } from "../../ui/toasts";
import { deleteOutput } from "../deletion";
import { FavoriteButton, favoriteOf } from "../favorite";
import { isHidden, keyOf } from "../gallery/feed";
import { Thumbnail } from "../gallery/thumbnail";
import { VisibilityBadge } from "../gallery/visibility-badge";
import { outcomeOf } from "../outcome";
import { retryRequest, reuseSettings } from "./draft";
import {
  cancelJob,
  estimateProgress,
  isInFlight,
  loadRecentJobs,
  pollRecentJobs,
  recentJobs,
  recentJobsError,
  replaceJob,
  usualDuration,
} from "./recent-jobs";
import { showSubmitted } from "./submitted";

type Generation = Schema["GenerationView"];

export function Jobs() {
  const t = text.value.generations;
  useEffect(() => {
    void loadRecentJobs();
    return pollRecentJobs();
  }, []);
  useRetryWhenOnline(recentJobsError.value, loadRecentJobs);
  const jobs = currentAccount.value?.limits.jobs_in_flight;
  return (
    <section class="jobs stack" aria-labelledby="recent">
      <div class="row spread">
        <h2 id="recent">{t.recent}</h2>
        {jobs && jobs.used > 0 && <span class="muted small">{t.jobsRunning(jobs.used, jobs.limit)}</span>}
        {recentJobs.value && recentJobs.value.length > 0 && <a href="/gallery">{t.viewAll}</a>}
      </div>
      <ErrorNotice error={recentJobsError.value} retry={loadRecentJobs} />
      {!recentJobs.value && !recentJobsError.value && <Loading />}
      {recentJobs.value?.length === 0 && (
        <Empty title={t.empty}>
          <p>{t.emptyText}</p>
        </Empty>
      )}
      <ul class="jobs-list">
        {recentJobs.value
          ?.filter(({ id }) => !isHidden(keyOf(id)))
          .map((generation) => (
            <li key={generation.id}>
              <Job generation={generation} />
            </li>
          ))}
      </ul>
    </section>
  );
}

function Job({ generation }: { generation: Generation }) {
  return (
    <article class={`job ${generation.status}`}>
      {isInFlight(generation) ? (
        <JobProgress generation={generation} />
      ) : generation.status === "succeeded" ? (
        <JobMedia generation={generation} />
      ) : (
        <JobFailure generation={generation} />
      )}
      <p class="job-prompt" dir="auto">
        {generation.settings.prompt}
      </p>
      <JobActions generation={generation} />
    </article>
  );
}

/** Placeholders for the images or the video of a generation in flight. */
function JobProgress({ generation }: { generation: Generation }) {
  const t = text.value.generations;
  const { settings, status, created_at } = generation;
  const elapsed = useElapsedSeconds(created_at);
  const usual = usualDuration(settings.model);
  const percent = usual === undefined ? undefined : Math.round(100 * estimateProgress(elapsed, usual));
  return (
    <div class={mediaClass(settings.count)}>
      {Array.from({ length: settings.count }, (_, index) => (
        <div class="frame generating" key={index} style={proportions(settings)}>
          {index === 0 && (
            <div class="generating-status">
              <strong role="status">
                {status === "queued" ? t.queued : status === "canceling" ? t.canceling : t.running}
              </strong>
              <span class="small">
                {t.elapsed(duration(elapsed))}
                {usual !== undefined && ` · ${t.usual(duration(usual))}`}
              </span>
              <div class={percent === undefined ? "bar indeterminate" : "bar"}>
                <i style={percent === undefined ? {} : { inlineSize: `${percent}%` }} />
              </div>
            </div>
          )}
        </div>
      ))}
    </div>
  );
}

function JobMedia({ generation }: { generation: Generation }) {
  const { id, settings, credits } = generation;
  const outputs = generation.outputs.filter(({ number }) => !isHidden(keyOf(id, number)));
  // The price of those that were generated was spent, whatever was deleted since.
  const generated = Math.ceil((settings.count * credits.spent) / Math.max(credits.reserved, 1));
  return (
    <>
      <div class={mediaClass(outputs.length)}>
        {outputs.map((output) => (
          <div class="job-output" key={output.number} style={proportions(output.file)}>
            <a class="frame" href={`/gallery/${id}?n=${output.number}`}>
              <Thumbnail media={output.file} alt={settings.prompt} onStale={loadRecentJobs} />
              <VisibilityBadge output={output} />
            </a>
            <FavoriteButton mark={favoriteOf(generation, output, replaceJob)} />
          </div>
        ))}
      </div>
      {credits.spent < credits.reserved && (
        <p class="small muted">{text.value.generations.partial(generated, settings.count)}</p>
      )}
    </>
  );
}

/** Says why a generation failed or that it was canceled, and what became of its credits. */
function JobFailure({ generation }: { generation: Generation }) {
  const t = text.value.generations;
  if (!generation.failure) {
    return (
      <div class="notice">
        <p>{outcomeOf(generation)}</p>
      </div>
    );
  }
  return (
    <div class="notice error">
      <div>
        <p>{outcomeOf(generation)}</p>
        <p class="small">{t.failed}</p>
        <p class="small">
          <a href={`/support?generation=${generation.id}`}>{text.value.viewer.contact}</a>
        </p>
      </div>
    </div>
  );
}

function JobActions({ generation }: { generation: Generation }) {
  const t = text.value.generations;
  const mutation = useMutation();
  const key = useIdempotencyKey();
  const reuse = () => {
    reuseSettings(generation.settings);
    showToast(t.reused);
    document.querySelector<HTMLTextAreaElement>(".composer textarea")?.focus();
  };
  const retry = () =>
    mutation.run(async () => {
      const body = retryRequest(generation);
      showSubmitted(await unwrap(api.POST("/v1/generations", { body, params: key.paramsFor(body) })));
      key.reset();
      await loadAccount();
    });
  const cancel = () => mutation.run(() => cancelJob(generation.id));
  return (
    <div class="row spread">
      {/* A generation in flight shows its elapsed time above. */}
      <span class="small muted">{isInFlight(generation) ? "" : relativeTime(generation.created_at)}</span>
      <div class="row">
        {isInFlight(generation) && generation.status !== "canceling" && (
          <button type="button" class="button ghost small" disabled={mutation.busy} onClick={cancel}>
            <Icon name="close" />
            {t.cancel}
          </button>
        )}
        {!isInFlight(generation) && generation.status !== "succeeded" && (
          <>
            <button type="button" class="button ghost small" onClick={() => deleteOutput(generation)}>
              <Icon name="trash" />
              {text.value.viewer.delete}
            </button>
            <button type="button" class="button ghost small" disabled={mutation.busy} onClick={retry}>
              <Icon name="retry" />
              {t.retry}
            </button>
          </>
        )}
        <button type="button" class="button ghost small" onClick={reuse}>
          <Icon name="create" />
          {t.reuse}
        </button>
      </div>
      <ErrorNotice error={mutation.error} />
    </div>
  );
}

/** Two images share a row; more form two columns. */
const mediaClass = (count: number) => (count > 2 ? "job-media columns" : "job-media");

/** Shows an image in its own proportions. In a row, images of any proportions have one height. */
const proportions = ({ width, height }: { width: number; height: number }) => ({
  aspectRatio: `${width} / ${height}`,
  "--ratio": `${width / height}`,
});

/** Returns the seconds since a time, updated every second. */
function useElapsedSeconds(since: string): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return Math.max(0, (now - Date.parse(since)) / 1000);
}
