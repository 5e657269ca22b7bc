/** A banner on every page while there is no connection or the service does not respond. */
import { signal } from "@preact/signals";

import { reachable, slowRequests } from "../api/client";
import { session } from "../api/session";
import { text } from "../text";

const online = signal(navigator.onLine);
addEventListener("online", () => {
  online.value = true;
  // The next request finds out whether the service responds.
  reachable.value = true;
});
addEventListener("offline", () => {
  online.value = false;
});

export function ConnectionBanner() {
  const t = text.value.connection;
  if (!online.value || !reachable.value) {
    return (
      <div class="connection-banner" role="status">
        {online.value ? t.unreachable : t.offline}
      </div>
    );
  }
  if (slowRequests.value > 0 && session.value !== "expired") {
    return (
      <div class="connection-banner slow" role="status">
        <div class="bar indeterminate">
          <i />
        </div>
        <span class="visually-hidden">{t.slow}</span>
      </div>
    );
  }
  return null;
}
