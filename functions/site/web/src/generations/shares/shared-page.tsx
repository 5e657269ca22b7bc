/** The page behind a share link. Needs no account, and says nothing of whose it is. */
import "../gallery/gallery.css";

import { api, ask, type Schema } from "../../api/client";
import { session } from "../../api/session";
import { moment, text } from "../../text";
import { useAsked } from "../../ui/query";
import { Empty, Loading, TroubleNotice } from "../../ui/states";
import { useTitle } from "../../ui/title";
import { Blur } from "../gallery/thumbnail";

export function Shared({ token }: { token: string }) {
  const t = text.value.sharing.page;
  const shared = useAsked(
    () => ask<Schema["SharedView"]>(api.GET("/v1/shared/{token}", { params: { path: { token } } })),
    [token],
  );
  useTitle(shared.value && t[shared.value.kind]);
  if (shared.trouble?.status === 404 || shared.trouble?.status === 400)
    return (
      <Empty page title={t.over}>
        <p>{t.overText}</p>
      </Empty>
    );
  if (shared.trouble)
    return (
      <div class="page">
        <TroubleNotice trouble={shared.trouble} retry={shared.again} />
      </div>
    );
  if (!shared.value) return <Loading />;
  const { kind, prompt, media, expires_at } = shared.value;
  const name = prompt ?? t[kind];
  return (
    <div class="page shared-page">
      <h1 class={prompt ? "aside" : ""}>{t[kind]}</h1>
      {media.map((file) => (
        <figure key={file.url}>
          <div
            class="shared-frame"
            style={{ aspectRatio: `${file.width} / ${file.height}`, "--ratio": `${file.width / file.height}` }}
          >
            <Blur hash={file.thumbhash} />
            {file.content_type.startsWith("video/") ? (
              <video
                src={file.url}
                width={file.width}
                height={file.height}
                controls
                loop
                playsinline
                aria-label={name}
              />
            ) : (
              <img src={file.url} width={file.width} height={file.height} alt={name} />
            )}
          </div>
        </figure>
      ))}
      {prompt && (
        <p class="shared-prompt" dir="auto">
          {prompt}
        </p>
      )}
      <div class="row apart soft small">
        <span>{t.until(moment(expires_at))}</span>
        {session.value === "none" && <a href="/">{t.make}</a>}
      </div>
    </div>
  );
}
