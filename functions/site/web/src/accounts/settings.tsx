/** The settings of the account: preferences, plan and limits, sessions. */
import { type ComponentChildren, Fragment } from "preact";

import { api, type Schema, unwrap } from "../api/client";
import { signOut } from "../api/session";
import { Cases } from "../moderation/cases";
import { navigate } from "../router";
import { bytes, date, dateTime, LANGUAGES, type Language, language, number, text } from "../text";
import { RadioGroup, Select } from "../ui/field";
import { Page } from "../ui/page";
import { LoadMore, usePagedList } from "../ui/paged-list";
import { useMutation, useQuery } from "../ui/query";
import { ErrorNotice, Loading } from "../ui/states";
import { accountError, currentAccount, loadAccount, updateAccount } from "./account";
import { FreezeNotice } from "./freeze-notice";
import { Invitations } from "./invitations";
import { setLanguage, setTheme, THEMES, theme } from "./preferences";
import { SecondFactor } from "./second-factor";
import { requestPasswordReset } from "./sign-in";

function SettingsPage({ children }: { children: ComponentChildren }) {
  const t = text.value.accounts;
  const tabs = [
    { to: "/account", label: t.pages.preferences },
    { to: "/account/plan", label: t.pages.plan },
    { to: "/account/sessions", label: t.pages.sessions },
    { to: "/account/moderation", label: t.pages.moderation },
  ];
  return (
    <Page title={t.title} tabs={tabs}>
      {children}
    </Page>
  );
}

export function Moderation() {
  return (
    <SettingsPage>
      <Cases />
    </SettingsPage>
  );
}

export function Preferences() {
  const t = text.value;
  const mutation = useMutation();
  const save = (preferences: Schema["PreferencesCorrection"]) =>
    void mutation.run(() => updateAccount({ preferences }));
  const languages = Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }));
  const changeLanguage = async (value: string) => {
    await setLanguage(value as Language);
    save({ language: value });
  };
  return (
    <SettingsPage>
      <Invitations />
      <div class="card stack">
        <RadioGroup
          label={t.accounts.theme}
          value={theme.value}
          options={THEMES.map((value) => ({ value, label: t.accounts.themes[value] }))}
          onValue={(value) => {
            setTheme(value);
            save({ theme: value });
          }}
        />
        <Select label={t.accounts.language} value={language.value} options={languages} onValue={changeLanguage} />
        <p class="small muted">{t.accounts.preferencesSaved}</p>
        <ErrorNotice error={mutation.error} />
      </div>
      <section class="card stack">
        <dl class="facts">
          <dt>{t.accounts.email}</dt>
          <dd>{currentAccount.value?.email}</dd>
          {currentAccount.value?.display_name && (
            <>
              <dt>{t.privacy.corrections.name}</dt>
              <dd>{currentAccount.value.display_name}</dd>
            </>
          )}
        </dl>
        <div class="row">
          <a class="button" href="/privacy/corrections">
            {t.accounts.edit}
          </a>
          <SignOut />
        </div>
      </section>
    </SettingsPage>
  );
}

/** Offers to sign out here, or on all devices by setting a new password. */
function ChangePassword() {
  const t = text.value.accounts;
  const mutation = useMutation();
  const address = currentAccount.value?.email;
  return (
    <section class="card stack">
      <h2>{t.changePasswordTitle}</h2>
      <p class="prose">{t.changePasswordText}</p>
      <div class="row">
        <SignOut />
        <button
          type="button"
          class="button"
          disabled={address === undefined || mutation.busy}
          onClick={() => address && void mutation.run(() => requestPasswordReset(address))}
        >
          {t.changePassword}
        </button>
      </div>
      <ErrorNotice error={mutation.error} />
    </section>
  );
}

function SignOut() {
  const leave = async () => {
    await signOut();
    navigate("/");
  };
  return (
    <button type="button" class="button" onClick={leave}>
      {text.value.accounts.signOut}
    </button>
  );
}

export function Plan() {
  const t = text.value.accounts;
  const account = currentAccount.value;
  const offer = useQuery(() => unwrap(api.GET("/v1/packages")));
  if (!account)
    return (
      <SettingsPage>
        {accountError.value ? <ErrorNotice error={accountError.value} retry={loadAccount} /> : <Loading />}
      </SettingsPage>
    );
  const { limits } = account;
  const meters = [
    { label: t.limits.jobs, ...limits.jobs_in_flight, format: number },
    { label: t.limits.uploads, ...limits.uploads, format: number },
    { label: t.limits.bytes, ...limits.upload_bytes, format: bytes },
  ];
  return (
    <SettingsPage>
      <FreezeNotice account={account} />
      <section class="card stack">
        <div class="row spread">
          <h2>{text.value.payments.plan(text.value.payments.plans[account.plan])}</h2>
          <span class="muted">{t.memberSince(date(account.created_at))}</span>
        </div>
        {meters.map(({ label, used, limit, format }) => (
          <div class="stack tight" key={label}>
            <div class="row spread">
              <span>{label}</span>
              <span class="muted">{t.usedOf(format(used), format(limit))}</span>
            </div>
            <meter class="meter" min={0} max={limit} value={used} aria-label={label} />
          </div>
        ))}
        <ul class="muted">
          {offer.data?.plans
            .filter(({ plan }) => plan === account.plan)
            .map(({ plan, retention_days }) => (
              <li key={plan}>{text.value.payments.retention(retention_days)}</li>
            ))}
          <li>{t.imagesPerJob(limits.outputs_per_generation)}</li>
          <li>{t.jobsPerMinute(limits.submits_per_minute)}</li>
          <li>{t.uploadsPerHour(limits.uploads_per_hour)}</li>
          <li>{t.linksPerOutput(limits.shares_per_output)}</li>
        </ul>
        <p class="muted">{text.value.payments.retentionFollows}</p>
        <p>
          {t.upgrade} <a href="/credits">{t.buyCredits}</a>
        </p>
      </section>
    </SettingsPage>
  );
}

export function Sessions() {
  const t = text.value;
  const activityKinds: Record<string, string> = t.accounts.activityKinds;
  const list = usePagedList((cursor) =>
    unwrap(api.GET("/v1/account/activity", { params: { query: { ...(cursor ? { cursor } : {}) } } })),
  );
  return (
    <SettingsPage>
      <ChangePassword />
      <SecondFactor />
      <section class="stack">
        <h2>{t.accounts.activity}</h2>
        <p class="muted prose">{t.accounts.activityText}</p>
        <ErrorNotice error={list.error} retry={list.reload} />
        {!list.loaded && list.busy ? (
          <Loading />
        ) : (
          <dl class="log">
            {list.items.map((item) => (
              <Fragment key={item.id}>
                <dt>
                  <strong>{activityKinds[item.kind] ?? item.kind}</strong>
                  <time datetime={item.at}>{dateTime(item.at)}</time>
                </dt>
                <dd>
                  <bdi>{item.address}</bdi>
                  <span class="muted small">
                    <bdi>{item.user_agent}</bdi>
                  </span>
                </dd>
              </Fragment>
            ))}
          </dl>
        )}
        <LoadMore list={list} />
      </section>
    </SettingsPage>
  );
}
