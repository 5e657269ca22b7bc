/** What somebody sees who is not signed in. */
import { api, ask } from "../api/client";
import { Picture } from "../generations/gallery/thumbnail";
import { text } from "../text";
import { Icon } from "../ui/icon";
import { useAsked } from "../ui/query";
import { useTitle } from "../ui/title";

/** How many public pictures are shown. */
const SHOWN = 5;

export function Welcome() {
  const t = text.value;
  useTitle(t.session.welcome);
  const shown = useAsked(() => ask(api.GET("/v1/gallery", { params: { query: { limit: SHOWN } } })));
  return (
    <div class="page welcome">
      <header>
        <h1>{t.session.welcome}</h1>
        <p class="lead">{t.session.welcomeText}</p>
      </header>
      <div class="row">
        <a class="button primary" href="/sign-up">
          {t.session.begin}
        </a>
        <a class="button" href="/sign-in">
          {t.session.signIn}
        </a>
        <a class="button quiet" href="/gallery/public">
          {t.session.look}
        </a>
      </div>
      <div class="shelf">
        {shown.value?.items.map(
          ({ id, prompt, kind, media: [file] }) =>
            file && (
              <a class="frame" key={id} href={`/gallery/public/${id}?n=1`}>
                <Picture media={file} alt={prompt ?? t.sharing.page[kind]} />
              </a>
            ),
        )}
      </div>
      <ul class="pillars">
        <li>
          <Icon name="lock" />
          <h2>{t.gallery.private}</h2>
          <p>{t.privacy.promises.find(({ id }) => id === "P17")?.text}</p>
        </li>
        <li>
          <Icon name="credits" />
          <h2>{t.places.credits}</h2>
          <p>{t.credits.lead}</p>
        </li>
        <li>
          <Icon name="privacy" />
          <h2>{t.places.privacy}</h2>
          <p>
            {t.privacy.lead} <a href="/privacy">{t.foot.promises}</a>
          </p>
        </li>
      </ul>
    </div>
  );
}
