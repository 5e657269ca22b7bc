/**
 * The web client of Darkroom.
 *
 * Preact, because a client of this size needs components and no other part of a framework. Its five kilobytes keep the
 * client small, it sets DOM properties only, which a strict Content-Security-Policy allows, and it needs no compiler beside
 * the JSX of TypeScript. Signals hold the little state that several pages share.
 *
 * Language, theme, and the name and colors of the service are loaded before the first render. Each page is a chunk of its own.
 */
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/components.css";
import "./styles/shell.css";
import "./accounts/accounts.css";

import { render } from "preact";

import { followSession } from "./accounts/account";
import { loadPreferences } from "./accounts/preferences";
import { startSession } from "./api/session";
import { App } from "./app";
import { interceptLinks } from "./router";
import { loadService } from "./service";

const root = document.getElementById("app");
if (root) {
  const started = startSession();
  await Promise.all([loadPreferences(), loadService()]);
  interceptLinks();
  followSession();
  render(<App />, root);
  await started;
}
