/**
 * The web client of Darkroom.
 *
 * Preact, because a client of this size needs components and nothing else of a framework: its five kilobytes leave the
 * budget to what people see, it writes to the DOM only through properties that a strict Content-Security-Policy allows, and
 * it needs no compiler beside TypeScript's own JSX. Signals hold the little state that several pages share.
 *
 * Words and theme are there before anything is shown. Each page is a chunk of its own.
 */
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/components.css";
import "./styles/shell.css";
import "./accounts/accounts.css";

import { render } from "preact";

import { follow } from "./accounts/account";
import * as preferences from "./accounts/preferences";
import { start } from "./api/session";
import { App } from "./app";
import { followLinks } from "./router";

const root = document.getElementById("app");
if (root) {
  const session = start();
  await preferences.take();
  followLinks();
  follow();
  render(<App />, root);
  await session;
}
