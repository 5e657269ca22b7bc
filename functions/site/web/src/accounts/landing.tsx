/** The start page of people who are not signed in. */
import { api, unwrap } from "../api/client";
import { Thumbnail } from "../generations/gallery/thumbnail";
import { text } from "../text";
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
        {examples.data?.items.map(
          ({ id, prompt, kind, media: [file] }) =>
            file && (
              <a class="frame" key={id} href={`/gallery/public/${id}?n=1`}>
                <Thumbnail media={file} alt={prompt ?? t.shares.page[kind]} />
              </a>
            ),
        )}
      </div>
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
