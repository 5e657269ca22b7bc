/** The studio: the form for a new generation beside the most recent ones. */
import "./studio.css";

import { useEffect } from "preact/hooks";

import { currentAccount } from "../../accounts/account";
import { FreezeNotice } from "../../accounts/freeze-notice";
import { text } from "../../text";
import { useMutation, useRetryWhenOnline } from "../../ui/query";
import { ErrorNotice } from "../../ui/states";
import { useTitle } from "../../ui/title";
import { Composer } from "./composer";
import { loadModels } from "./draft";
import { Jobs } from "./jobs";
import { showSubmitted } from "./submitted";

export function Studio() {
  const t = text.value.generations;
  useTitle(t.title);
  const models = useMutation();
  const load = () => void models.run(loadModels);
  useEffect(load, []);
  useRetryWhenOnline(models.error, load);
  return (
    <div class="page wide studio">
      <h1 class="visually-hidden">{t.title}</h1>
      <div class="composer-column">
        {currentAccount.value && <FreezeNotice account={currentAccount.value} />}
        <ErrorNotice error={models.error} retry={load} />
        <Composer onSubmitted={showSubmitted} />
      </div>
      <Jobs />
    </div>
  );
}
