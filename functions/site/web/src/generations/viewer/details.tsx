/** The settings of a generation and the visibility of one of its images or videos, beside it. */
import type { Schema } from "../../api/client";
import { ReportButton } from "../../moderation/report";
import { navigate } from "../../router";
import { date, dateTime, text } from "../../text";
import { Icon } from "../../ui/icon";
import { showToast } from "../../ui/toasts";
import { Sharing } from "../shares/sharing";
import { reuseSettings } from "../studio/draft";

interface Properties {
  generation: Schema["GenerationView"];
  /** The image or video; a generation that did not succeed has none. */
  output: Schema["OutputView"] | undefined;
  onChanged: (generation: Schema["GenerationView"]) => void;
}

export function Details({ generation, output, onChanged }: Properties) {
  const t = text.value;
  const { settings, credits, created_at, expires_at } = generation;
  const reuse = () => {
    reuseSettings(settings);
    navigate("/");
    showToast(t.generations.reused);
  };
  return (
    <div class="stack">
      <p class="details-prompt" dir="auto">
        {settings.prompt}
      </p>
      <div class="row">
        <button type="button" class="button small" onClick={reuse}>
          <Icon name="retry" />
          {t.generations.reuse}
        </button>
        <a class="button ghost small" href={`/support?generation=${generation.id}`}>
          {t.viewer.contact}
        </a>
      </div>
      <dl class="facts small">
        {settings.negative_prompt && (
          <>
            <dt>{t.viewer.negativePrompt}</dt>
            <dd dir="auto">{settings.negative_prompt}</dd>
          </>
        )}
        <dt>{t.viewer.model}</dt>
        <dd>{settings.model}</dd>
        <dt>{t.viewer.size}</dt>
        <dd>
          {settings.width}×{settings.height}
        </dd>
        {settings.quality && (
          <>
            <dt>{t.generations.quality}</dt>
            <dd>{t.generations.qualities[settings.quality]}</dd>
          </>
        )}
        {typeof settings.seed === "number" && (
          <>
            <dt>{t.viewer.seed}</dt>
            <dd>{settings.seed}</dd>
          </>
        )}
        <dt>{t.viewer.cost}</dt>
        <dd>{t.generations.priceOf(credits.spent)}</dd>
        <dt>{t.viewer.created}</dt>
        <dd>
          <time datetime={created_at}>{dateTime(created_at)}</time>
        </dd>
        <dt>{t.viewer.expires}</dt>
        <dd>{expires_at ? <time datetime={expires_at}>{date(expires_at)}</time> : t.viewer.neverExpires}</dd>
      </dl>
      {output && (
        <>
          <hr />
          <Sharing generation={generation} output={output} onChanged={onChanged} />
        </>
      )}
    </div>
  );
}

/** What is public of an image or a video, beside it. */
export function PublicDetails({ item }: { item: Schema["PublicView"] }) {
  const { prompt, published_at: publishedAt, report_token } = item;
  return (
    <div class="stack">
      {prompt && (
        <p class="details-prompt" dir="auto">
          {prompt}
        </p>
      )}
      <dl class="facts small">
        <dt>{text.value.viewer.published}</dt>
        <dd>
          <time datetime={publishedAt}>{date(publishedAt)}</time>
        </dd>
      </dl>
      <div class="row">
        <ReportButton item={report_token} />
      </div>
    </div>
  );
}
