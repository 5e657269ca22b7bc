/** The page of a share link. It needs no account and does not reveal the owner. */
import "./shares.css";

import { api, type Schema, unwrap } from "../../api/client";
import { session } from "../../api/session";
import { ReportButton } from "../../moderation/report";
import { service } from "../../service";
import { dateTime, text } from "../../text";
import { useQuery } from "../../ui/query";
import { Empty, ErrorNotice, Loading } from "../../ui/states";
import { useTitle } from "../../ui/title";
import { Placeholder } from "../gallery/thumbnail";

export function Shared({ token }: { token: string }) {
  const t = text.value.shares.page;
  const params = { path: { token } };
  const shared = useQuery(() => unwrap<Schema["SharedView"]>(api.GET("/v1/shared/{token}", { params })), [token]);
  useTitle(shared.data && t[shared.data.kind](service.value.name));
  if (shared.error?.status === 404 || shared.error?.status === 400) {
    return (
      <Empty page title={t.expired}>
        <p>{t.expiredText}</p>
      </Empty>
    );
  }
  if (shared.error) {
    return (
      <div class="page">
        <ErrorNotice error={shared.error} retry={shared.refetch} />
      </div>
    );
  }
  if (!shared.data) return <Loading />;
  const { kind, prompt, file, expires_at, report_token } = shared.data;
  const title = t[kind](service.value.name);
  return (
    <div class="page shared-page">
      <h1 class={prompt ? "visually-hidden" : ""}>{title}</h1>
      <SharedMedia file={file} name={prompt ?? title} />
      {prompt && (
        <p class="shared-prompt" dir="auto">
          {prompt}
        </p>
      )}
      <div class="row spread muted small">
        <span>{t.expires(dateTime(expires_at))}</span>
        <ReportButton item={report_token} />
        {session.value === "signed-out" && <a href="/">{t.create}</a>}
      </div>
    </div>
  );
}

function SharedMedia({ file, name }: { file: Schema["MediaView"]; name: string }) {
  const { width, height } = file;
  return (
    <figure>
      <div class="shared-media" style={{ aspectRatio: `${width} / ${height}`, "--ratio": `${width / height}` }}>
        <Placeholder hash={file.thumbhash} />
        {file.content_type.startsWith("video/") ? (
          <video src={file.url} width={width} height={height} controls loop playsinline aria-label={name} />
        ) : (
          <img src={file.url} width={width} height={height} alt={name} />
        )}
      </div>
    </figure>
  );
}
