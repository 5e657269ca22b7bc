/** The studio: the form for a new generation beside the most recent ones. */
import "./studio.css";

import { useEffect, useRef } from "preact/hooks";

import { currentAccount } from "../../accounts/account";
import { FreezeNotice } from "../../accounts/freeze-notice";
import type { Schema } from "../../api/client";
import { text } from "../../text";
import { useMutation, useRetryWhenOnline } from "../../ui/query";
import { ErrorNotice } from "../../ui/states";
import { useTitle } from "../../ui/title";
import { showToast } from "../../ui/toasts";
import { Composer } from "./composer";
import { loadModels } from "./draft";
import { Jobs } from "./jobs";
import { addJob, isInFlight, recentJobs } from "./recent-jobs";

export function Studio() {
  const t = text.value.generations;
  useTitle(t.title);
  const models = useMutation();
  const load = () => void models.run(loadModels);
  useEffect(load, []);
  useRetryWhenOnline(models.error, load);
  const announce = useSubmitToast();
  return (
    <div class="page wide studio">
      <h1 class="visually-hidden">{t.title}</h1>
      <div class="composer-column">
        {currentAccount.value && <FreezeNotice account={currentAccount.value} />}
        <ErrorNotice error={models.error} retry={load} />
        <Composer
          onSubmitted={(generation) => {
            addJob(generation);
            announce(generation);
          }}
        />
      </div>
      <Jobs />
    </div>
  );
}

/** Announces a submitted generation with a toast, which goes when the generation ends. */
function useSubmitToast(): (generation: Schema["GenerationView"]) => void {
  const announced = useRef<{ id: string; dismiss: () => void }>(undefined);
  useEffect(
    () =>
      recentJobs.subscribe((jobs) => {
        const job = jobs?.find(({ id }) => id === announced.current?.id);
        if (job && !isInFlight(job)) announced.current?.dismiss();
      }),
    [],
  );
  return ({ id }) => {
    announced.current = { id, dismiss: showToast(text.value.generations.submitted) };
  };
}
