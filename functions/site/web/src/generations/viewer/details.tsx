/** What a picture was made from, who sees it, and what can be done with it. */
import type { Schema } from "../../api/client";
import { go } from "../../router";
import { day, moment, text } from "../../text";
import { Icon } from "../../ui/icon";
import { say } from "../../ui/toasts";
import { Sharing } from "../shares/sharing";
import { reuse } from "../studio/draft";

type Generation = Schema["GenerationView"];

export function Details({
  generation,
  onChanged,
}: {
  generation: Generation;
  onChanged: (generation: Generation) => void;
}) {
  const t = text.value;
  const { settings } = generation;
  const use = () => {
    reuse(settings);
    go("/");
    say(t.studio.used);
  };
  return (
    <div class="stack">
      <p class="details-prompt" dir="auto">
        {settings.prompt}
      </p>
      <div class="row">
        <button type="button" class="button small" onClick={use}>
          <Icon name="retry" />
          {t.studio.use}
        </button>
        <a class="button quiet small" href={`/support?generation=${generation.id}`}>
          {t.viewer.report}
        </a>
      </div>
      <dl class="facts small">
        {settings.negative_prompt && (
          <>
            <dt>{t.viewer.negative}</dt>
            <dd dir="auto">{settings.negative_prompt}</dd>
          </>
        )}
        <dt>{t.viewer.model}</dt>
        <dd>{settings.model}</dd>
        <dt>{t.viewer.size}</dt>
        <dd>
          {settings.width}×{settings.height}
        </dd>
        {typeof settings.seed === "number" && (
          <>
            <dt>{t.viewer.seed}</dt>
            <dd>{settings.seed}</dd>
          </>
        )}
        <dt>{t.viewer.cost}</dt>
        <dd>{t.studio.priceOf(generation.credits.spent)}</dd>
        <dt>{t.viewer.made}</dt>
        <dd>
          <time datetime={generation.created_at}>{moment(generation.created_at)}</time>
        </dd>
        <dt>{t.viewer.goes}</dt>
        <dd>
          {generation.expires_at ? (
            <time datetime={generation.expires_at}>{day(generation.expires_at)}</time>
          ) : (
            t.viewer.stays
          )}
        </dd>
      </dl>
      <hr />
      <Sharing generation={generation} onChanged={onChanged} />
    </div>
  );
}
