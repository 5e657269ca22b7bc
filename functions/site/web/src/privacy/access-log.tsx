/** The log of what staff looked at. */
import { api, ask, type Schema } from "../api/client";
import { day, moment, text } from "../text";
import { More, usePages } from "../ui/paged-list";
import { Empty, Loading, TroubleNotice } from "../ui/states";
import { Frame } from "./layout";

type Act = Schema["AccessAct"];

export function Access() {
  const t = text.value.privacy.access;
  const pages = usePages((cursor) =>
    ask(api.GET("/v1/account/access", { params: { query: { ...(cursor ? { cursor } : {}) } } })),
  );
  return (
    <Frame lead={t.lead}>
      {!pages.begun && pages.busy && <Loading />}
      <TroubleNotice trouble={pages.trouble} retry={pages.again} />
      {pages.begun && pages.items.length === 0 && (
        <Empty title={t.nothing}>
          <p>{t.nothingText}</p>
        </Empty>
      )}
      <dl class="log">
        {pages.items.map((line) => (
          <div key={line.id} class="line">
            <dt>
              <strong>{told(line.act)}</strong>
              <time datetime={line.at}>{moment(line.at)}</time>
            </dt>
            <dd class="small soft">
              <span>
                {t.staff} <code>{line.staff}</code>
                {"ticket" in line.act && (
                  <>
                    {" "}
                    · {t.ticket} <bdi>{line.act.ticket}</bdi>
                  </>
                )}
              </span>
              {line.undisclosed_until && <span>{t.kept(day(line.undisclosed_until))}</span>}
            </dd>
          </div>
        ))}
      </dl>
      <More pages={pages} />
    </Frame>
  );
}

function told(act: Act): string {
  const t = text.value.privacy.access;
  switch (act.kind) {
    case "opened":
      return t.opened(act.reason);
    case "looked": {
      const sight = typeof act.at === "string" ? act.at : "generation" in act.at ? "generation" : "upload";
      return t.looked(t.sights[sight]);
    }
    case "disclosed":
      return t.disclosed(act.kinds.join(", "), act.reason);
    default:
      return t[act.kind];
  }
}
