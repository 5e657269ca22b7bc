/** What a page shows while it loads, when it is empty, and when a request failed. */
import type { ComponentChildren } from "preact";

import type { ApiError } from "../api/error";
import { text } from "../text";
import { errorMessage } from "./error-message";
import { useTitle } from "./title";

interface ErrorNoticeProperties {
  error: ApiError | undefined;
  /** Replaces the message of the error. */
  message?: string | undefined;
  retry?: (() => unknown) | undefined;
}

export function ErrorNotice({ error, message, retry }: ErrorNoticeProperties) {
  if (!error) return null;
  const reference = error.status >= 500 ? error.problem?.request_id : undefined;
  return (
    <div class="notice error" role="alert">
      <div>
        <p>{message ?? errorMessage(error)}</p>
        {reference && <p class="small muted">{text.value.errorDetails.reference(reference)}</p>}
      </div>
      {retry && (
        <button type="button" class="button small" onClick={retry}>
          {text.value.actions.retry}
        </button>
      )}
    </div>
  );
}

export function Loading() {
  return (
    <div class="loading" role="status">
      <div class="bar indeterminate">
        <i />
      </div>
      <span class="visually-hidden">{text.value.actions.loading}</span>
    </div>
  );
}

interface EmptyProperties {
  title: string;
  /** Whether this is the whole page: the title becomes the title of the page. */
  page?: boolean;
  children?: ComponentChildren;
}

export function Empty({ title, page, children }: EmptyProperties) {
  useTitle(page ? title : undefined);
  return (
    <div class="empty">
      {page ? <h1>{title}</h1> : <h2>{title}</h2>}
      {children}
    </div>
  );
}
