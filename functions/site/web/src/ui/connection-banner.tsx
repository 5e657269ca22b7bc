/** Whether the connection holds: said at the top of every page, as long as it matters. */
import { signal } from "@preact/signals";

import { reachable, slow } from "../api/client";
import { session } from "../api/session";
import { text } from "../text";

const online = signal(navigator.onLine);
addEventListener("online", () => {
  online.value = true;
  // Until something shows that it still is not.
  reachable.value = true;
});
addEventListener("offline", () => {
  online.value = false;
});

export function Weather() {
  const t = text.value.weather;
  if (!online.value)
    return (
      <div class="weather" role="status">
        {t.offline}
      </div>
    );
  if (!reachable.value)
    return (
      <div class="weather" role="status">
        {t.unreachable}
      </div>
    );
  if (slow.value > 0 && session.value !== "expired") {
    return (
      <div class="weather slow" role="status">
        <div class="bar unknown">
          <i />
        </div>
        <span class="aside">{t.slow}</span>
      </div>
    );
  }
  return null;
}
