/** What a page shows when it has nothing to show yet, or cannot. */
import type { ComponentChildren } from "preact";

import type { Trouble } from "../api/error";
import { text } from "../text";
import { useTitle } from "./title";

/** What went wrong, in the person's words. */
export function told(trouble: Trouble): string {
  const t = text.value.trouble;
  const words = t[trouble.kind as keyof typeof t];
  const said = typeof words === "string" ? words : t.unknown;
  const wait = trouble.problem?.retry_after;
  return typeof wait === "number" ? `${said} ${t.comeBack(wait)}` : said;
}

export function TroubleNotice({ trouble, retry }: { trouble: Trouble | undefined; retry?: () => void }) {
  if (!trouble) return null;
  const t = text.value;
  const reference = trouble.status >= 500 ? trouble.problem?.request_id : undefined;
  return (
    <div class="notice bad" role="alert">
      <div>
        <p>{told(trouble)}</p>
        {reference && <p class="small soft">{t.trouble.reference(reference)}</p>}
      </div>
      {retry && (
        <button type="button" class="button small" onClick={retry}>
          {t.doing.retry}
        </button>
      )}
    </div>
  );
}

export function Loading() {
  return (
    <div class="loading" role="status">
      <div class="bar unknown">
        <i />
      </div>
      <span class="aside">{text.value.doing.loading}</span>
    </div>
  );
}

/** `page`: it is all that there is, and its title the title of the page. */
export function Empty({ title, page, children }: { title: string; page?: boolean; children?: ComponentChildren }) {
  useTitle(page ? title : undefined);
  return (
    <div class="empty">
      {page ? <h1>{title}</h1> : <h2>{title}</h2>}
      {children}
    </div>
  );
}
