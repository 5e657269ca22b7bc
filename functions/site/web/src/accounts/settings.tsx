/** Preferences, plan and limits, sessions. */
import { Fragment } from "preact";

import { api, ask, type Schema } from "../api/client";
import { signOut } from "../api/session";
import { go } from "../router";
import { bytes, day, LANGUAGES, type Language, language, moment, number, text } from "../text";
import { Choice, Select } from "../ui/field";
import { Section } from "../ui/page";
import { More, usePages } from "../ui/paged-list";
import { useAct } from "../ui/query";
import { Loading, TroubleNotice } from "../ui/states";
import { correct, load, me, trouble } from "./account";
import { Frozen } from "./freeze-notice";
import { setLanguage, setTheme, THEMES, theme } from "./preferences";

function Frame({ children }: { children: preact.ComponentChildren }) {
  const t = text.value.account;
  const tabs = [
    { to: "/account", label: t.pages.preferences },
    { to: "/account/plan", label: t.pages.plan },
    { to: "/account/sessions", label: t.pages.sessions },
  ];
  return (
    <Section title={t.title} tabs={tabs}>
      {children}
    </Section>
  );
}

export function Preferences() {
  const t = text.value;
  const act = useAct();
  const keep = (preferences: Schema["PreferencesCorrection"]) => void act.act(() => correct({ preferences }));
  const languages = Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }));
  const change = async (value: string) => {
    await setLanguage(value as Language);
    keep({ language: value });
  };
  return (
    <Frame>
      <div class="card stack">
        <Choice
          label={t.account.theme}
          value={theme.value}
          options={THEMES.map((value) => ({ value, label: t.account.themes[value] }))}
          onValue={(value) => {
            setTheme(value);
            keep({ theme: value });
          }}
        />
        <Select label={t.account.language} value={language.value} options={languages} onValue={change} />
        <p class="small soft">{t.account.keptWith}</p>
        <TroubleNotice trouble={act.trouble} />
      </div>
      <section class="card stack">
        <dl class="facts">
          <dt>{t.session.email}</dt>
          <dd>{me.value?.email}</dd>
          {me.value?.display_name && (
            <>
              <dt>{t.privacy.corrections.name}</dt>
              <dd>{me.value.display_name}</dd>
            </>
          )}
        </dl>
        <div class="row">
          <a class="button" href="/privacy/corrections">
            {t.privacy.pages.corrections}
          </a>
          <SignOut />
        </div>
      </section>
    </Frame>
  );
}

function SignOut() {
  const leave = async () => {
    await signOut();
    go("/");
  };
  return (
    <button type="button" class="button" onClick={leave}>
      {text.value.session.signOut}
    </button>
  );
}

export function Plan() {
  const t = text.value.account;
  const account = me.value;
  if (!account)
    return <Frame>{trouble.value ? <TroubleNotice trouble={trouble.value} retry={load} /> : <Loading />}</Frame>;
  const { limits } = account;
  const meters = [
    { label: t.limits.jobs, ...limits.jobs_in_flight, write: number },
    { label: t.limits.uploads, ...limits.uploads, write: number },
    { label: t.limits.bytes, ...limits.upload_bytes, write: bytes },
  ];
  return (
    <Frame>
      <Frozen account={account} />
      <section class="card stack">
        <div class="row apart">
          <h2>{text.value.credits.plan(text.value.credits.plans[account.plan])}</h2>
          <span class="soft">{t.since(day(account.created_at))}</span>
        </div>
        {meters.map(({ label, used, limit, write }) => (
          <div class="stack tight" key={label}>
            <div class="row apart">
              <span>{label}</span>
              <span class="soft">{t.used(write(used), write(limit))}</span>
            </div>
            <meter class="meter" min={0} max={limit} value={used} aria-label={label} />
          </div>
        ))}
        <ul class="soft">
          <li>{t.perJob(limits.outputs_per_generation)}</li>
          <li>{t.perMinute(limits.submits_per_minute)}</li>
          <li>{t.links(limits.shares_per_generation)}</li>
        </ul>
        <p>
          {t.grow} <a href="/credits">{text.value.places.credits}</a>
        </p>
      </section>
    </Frame>
  );
}

export function Sessions() {
  const t = text.value;
  const pages = usePages((cursor) =>
    ask(api.GET("/v1/account/activity", { params: { query: { ...(cursor ? { cursor } : {}) } } })),
  );
  return (
    <Frame>
      <section class="card stack">
        <p class="prose">{t.account.everywhereText}</p>
        <div class="row">
          <SignOut />
          <a class="button" href="/forgot">
            {t.account.everywhere}
          </a>
        </div>
      </section>
      <section class="stack">
        <h2>{t.account.activity}</h2>
        <p class="soft prose">{t.account.activityText}</p>
        <TroubleNotice trouble={pages.trouble} retry={pages.again} />
        {!pages.begun && pages.busy ? (
          <Loading />
        ) : (
          <dl class="log">
            {pages.items.map((item) => (
              <Fragment key={item.id}>
                <dt>
                  <strong>{t.account.kinds[item.kind] ?? item.kind}</strong>
                  <time datetime={item.at}>{moment(item.at)}</time>
                </dt>
                <dd>
                  <bdi>{item.address}</bdi>
                  <span class="soft small">
                    <bdi>{item.user_agent}</bdi>
                  </span>
                </dd>
              </Fragment>
            ))}
          </dl>
        )}
        <More pages={pages} />
      </section>
    </Frame>
  );
}
