/** The studio: what to make on one side, what becomes of it on the other. */
import "./studio.css";

import { useEffect } from "preact/hooks";
import { me } from "../../accounts/account";
import { Frozen } from "../../accounts/freeze-notice";
import { text } from "../../text";
import { useAct, useOnline } from "../../ui/query";
import { TroubleNotice } from "../../ui/states";
import { useTitle } from "../../ui/title";
import { say } from "../../ui/toasts";
import { Compose } from "./composer";
import { loadModels } from "./draft";
import { Jobs } from "./jobs";
import { add } from "./recent-jobs";

export function Studio() {
  const t = text.value.studio;
  useTitle(t.title);
  const models = useAct();
  const load = () => void models.act(loadModels);
  useEffect(load, []);
  useOnline(models.trouble, load);
  return (
    <div class="page wide studio">
      <h1 class="aside">{t.title}</h1>
      <div class="composer">
        {me.value && <Frozen account={me.value} />}
        <TroubleNotice trouble={models.trouble} retry={load} />
        <Compose
          onSubmitted={(generation) => {
            add(generation);
            say(t.sent);
          }}
        />
      </div>
      <Jobs />
    </div>
  );
}
