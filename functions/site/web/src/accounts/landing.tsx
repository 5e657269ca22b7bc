/** The start page of people who are not signed in. */
import { api, unwrap } from "../api/client";
import { Thumbnail } from "../generations/gallery/thumbnail";
import { likelyCurrency } from "../payments/offer";
import { PackageFacts, packageName } from "../payments/package-facts";
import { service } from "../service";
import { list, text } from "../text";
import { Icon } from "../ui/icon";
import { useQuery } from "../ui/query";
import { useTitle } from "../ui/title";

/** The number of public images and videos that are shown. */
const EXAMPLES = 5;

export function Landing() {
  const t = text.value;
  useTitle(t.accounts.landingTitle);
  const examples = useQuery(() => unwrap(api.GET("/v1/gallery", { params: { query: { limit: EXAMPLES } } })));
  return (
    <div class="page landing">
      <header>
        <h1>{t.accounts.landingTitle}</h1>
        <p class="lead">{t.accounts.landingText}</p>
      </header>
      <div class="row">
        <a class="button primary" href="/sign-up">
          {t.accounts.createAccount}
        </a>
        <a class="button" href="/sign-in">
          {t.accounts.signIn}
        </a>
        <a class="button ghost" href="/gallery/public">
          {t.accounts.explore}
        </a>
      </div>
      <div class="showcase">
        {examples.data?.items.map(({ id, output, prompt, kind, file }) => (
          <a class="frame" key={`${id}:${output}`} href={`/gallery/public/${id}?n=${output}`}>
            <Thumbnail media={file} alt={prompt ?? t.shares.page[kind](service.value.name)} />
          </a>
        ))}
      </div>
      {examples.data?.items.length === 0 && <ExamplePrompts />}
      <Pricing />
      <ul class="features">
        <li>
          <Icon name="lock" />
          <h2>{t.gallery.visibilities.private}</h2>
          <p>{t.privacy.promises.find(({ id }) => id === "P17")?.text}</p>
        </li>
        <li>
          <Icon name="credits" />
          <h2>{t.credits.title}</h2>
          <p>{t.payments.lead}</p>
        </li>
        <li>
          <Icon name="privacy" />
          <h2>{t.privacy.title}</h2>
          <p>
            {t.privacy.lead} <a href="/privacy">{t.footer.promises}</a>
          </p>
        </li>
      </ul>
    </div>
  );
}

/** Shows prompts while nothing is public yet. */
function ExamplePrompts() {
  const t = text.value.accounts;
  return (
    <section class="stack tight">
      <h2>{t.examples}</h2>
      <ul class="example-prompts">
        {t.examplePrompts.map((prompt) => (
          <li key={prompt} class="card">
            <a href="/sign-up">{prompt}</a>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** What is free, what credits cost and buy, and how long files are kept. */
function Pricing() {
  const t = text.value;
  const offer = useQuery(() => unwrap(api.GET("/v1/packages")));
  const models = useQuery(() => unwrap(api.GET("/v1/models")));
  if (!offer.data) return null;
  const { packages, plans, welcome_credits, tax } = offer.data;
  const currency = likelyCurrency();
  const free = (models.data?.models ?? []).filter((model) => !model.needs_purchase);
  const restricted = models.data?.models.some((model) => model.needs_purchase);
  return (
    <section class="stack" aria-labelledby="pricing">
      <div class="row spread">
        <h2 id="pricing">{t.accounts.pricing}</h2>
        <a href="/credits">{t.credits.pages.buy}</a>
      </div>
      <ul class="packages">
        <li>
          <article class="card package">
            <h3>{t.accounts.freePlan}</h3>
            <p class="package-credits">{t.accounts.freeCredits(welcome_credits)}</p>
            {restricted && (
              <p class="small">
                {free.length > 0
                  ? t.accounts.freeCreditsFor(list(free.map(({ title }) => title)))
                  : t.accounts.freeCreditsLater}
              </p>
            )}
            {plans
              .filter(({ plan }) => plan === "free")
              .map(({ plan, retention_days }) => (
                <p class="muted small" key={plan}>
                  {t.payments.retention(retention_days)}
                </p>
              ))}
          </article>
        </li>
        {packages.map((item) => {
          const price = item.prices.find((price) => price.currency === currency);
          return (
            price && (
              <li key={item.id}>
                <article class="card package">
                  <h3>{packageName(item)}</h3>
                  <PackageFacts item={item} price={price} plans={plans} models={models.data?.models ?? []} />
                </article>
              </li>
            )
          );
        })}
      </ul>
      <p class="small muted">
        {t.payments.lead} {t.payments.tax[tax]}
      </p>
    </section>
  );
}
