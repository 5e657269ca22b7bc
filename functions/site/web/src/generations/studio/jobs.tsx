/** What was asked for lately: being made, made, or not. */
import { useEffect, useState } from "preact/hooks";

import { load as loadAccount, me } from "../../accounts/account";
import { api, ask, type Schema } from "../../api/client";
import { duration, relative, text } from "../../text";
import { Icon } from "../../ui/icon";
import { useAct, useKey, useOnline } from "../../ui/query";
import { Empty, Loading, TroubleNotice } from "../../ui/states";
import { say } from "../../ui/toasts";
import { Picture } from "../gallery/thumbnail";
import { Mark } from "../gallery/visibility-badge";
import { requestFor, reuse } from "./draft";
import { add, cancel, follow, isGoing, load, recent, trouble, usual } from "./recent-jobs";

type Generation = Schema["GenerationView"];

export function Jobs() {
  const t = text.value.studio;
  useEffect(() => {
    void load();
    return follow();
  }, []);
  useOnline(trouble.value, load);
  const jobs = me.value?.limits.jobs_in_flight;
  return (
    <section class="jobs stack" aria-labelledby="recent">
      <div class="row apart">
        <h2 id="recent">{t.recent}</h2>
        {jobs && jobs.used > 0 && <span class="soft small">{t.limit(jobs.used, jobs.limit)}</span>}
        {recent.value && recent.value.length > 0 && <a href="/gallery">{t.all}</a>}
      </div>
      <TroubleNotice trouble={trouble.value} retry={load} />
      {!recent.value && !trouble.value && <Loading />}
      {recent.value?.length === 0 && (
        <Empty title={t.nothing}>
          <p>{t.nothingText}</p>
        </Empty>
      )}
      <ul class="jobs-list">
        {recent.value?.map((generation) => (
          <li key={generation.id}>
            <Job generation={generation} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Job({ generation }: { generation: Generation }) {
  const { settings } = generation;
  return (
    <article class={`job ${generation.status}`}>
      {isGoing(generation) ? <Going generation={generation} /> : <Ended generation={generation} />}
      <p class="job-prompt" dir="auto">
        {settings.prompt}
      </p>
      <Actions generation={generation} />
    </article>
  );
}

/** The places of the pictures that are being made. */
function Going({ generation }: { generation: Generation }) {
  const t = text.value.studio;
  const seconds = useSeconds(generation.created_at);
  const { settings } = generation;
  const expected = usual(settings.model);
  // Slower and slower towards the end, which nobody knows.
  const part = expected === undefined ? undefined : 1 - Math.exp(-1.6 * (seconds / Math.max(expected, 1)));
  return (
    <div class="frames">
      {Array.from({ length: settings.count }, (_, index) => (
        <div class="frame developing" key={index} style={share(settings)}>
          {index === 0 && (
            <div class="developing-words">
              <strong role="status">{t[generation.status === "queued" ? "queued" : "running"]}</strong>
              <span class="small">
                {t.since(duration(seconds))}
                {expected !== undefined && ` · ${t.usually(duration(expected))}`}
              </span>
              <div class={part === undefined ? "bar unknown" : "bar"}>
                <i style={part === undefined ? {} : { inlineSize: `${Math.round(part * 100)}%` }} />
              </div>
            </div>
          )}
        </div>
      ))}
    </div>
  );
}

function Ended({ generation }: { generation: Generation }) {
  const t = text.value.studio;
  if (generation.status !== "succeeded") return <Lost generation={generation} />;
  const { settings, media } = generation;
  return (
    <>
      <div class="frames">
        {media.map((file, index) => (
          <a class="frame" key={index} href={`/gallery/${generation.id}?n=${index + 1}`} style={share(file)}>
            <Picture media={file} alt={settings.prompt} onStale={load} />
            {index === 0 && <Mark generation={generation} />}
          </a>
        ))}
      </div>
      {media.length < settings.count && <p class="small soft">{t.partly(media.length, settings.count)}</p>}
    </>
  );
}

function Lost({ generation }: { generation: Generation }) {
  const { studio: t, viewer } = text.value;
  const { failure } = generation;
  const why = !failure
    ? undefined
    : failure.code === "rejected"
      ? t.failure.rejected(failure.reason)
      : t.failure[failure.code];
  return (
    <div class={failure ? "notice bad" : "notice"}>
      <div>
        {why && <p>{why}</p>}
        <p class={why ? "small" : ""}>{failure ? t.failed : t.canceled}</p>
        {failure && (
          <p class="small">
            <a href={`/support?generation=${generation.id}`}>{viewer.report}</a>
          </p>
        )}
      </div>
    </div>
  );
}

function Actions({ generation }: { generation: Generation }) {
  const t = text.value.studio;
  const act = useAct();
  const take = () => {
    reuse(generation.settings);
    say(t.used);
    document.querySelector<HTMLTextAreaElement>(".compose textarea")?.focus();
  };
  const key = useKey();
  const retry = () =>
    act.act(async () => {
      const body = requestFor(generation);
      add(await ask(api.POST("/v1/generations", { body, params: key.of(body) })));
      key.taken();
      await loadAccount();
      say(t.again);
    });
  return (
    <div class="row apart">
      {/* What is being made says its time itself, and leaves the row to one more button. */}
      <span class="small soft">{isGoing(generation) ? "" : relative(generation.created_at)}</span>
      <div class="row">
        {isGoing(generation) && (
          <button
            type="button"
            class="button quiet small"
            disabled={act.busy}
            onClick={() => act.act(() => cancel(generation.id))}
          >
            <Icon name="close" />
            {t.cancel}
          </button>
        )}
        {!isGoing(generation) && generation.status !== "succeeded" && (
          <button type="button" class="button quiet small" disabled={act.busy} onClick={retry}>
            <Icon name="retry" />
            {t.retry}
          </button>
        )}
        <button type="button" class="button quiet small" onClick={take}>
          <Icon name="studio" />
          {t.use}
        </button>
      </div>
      <TroubleNotice trouble={act.trouble} />
    </div>
  );
}

/** Of the width that the pictures of one job have together, each gets by its proportion. */
const share = ({ width, height }: { width: number; height: number }) => ({ flexGrow: String((100 * width) / height) });

/** Seconds since then, counted on. */
function useSeconds(since: string): number {
  const [now, tick] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => tick(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return Math.max(0, (now - Date.parse(since)) / 1000);
}
