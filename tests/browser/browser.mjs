/**
 * A browser for the journeys, which checks on every page: no error in the console, no violation of the
 * Content-Security-Policy, no dialog, no request to other hosts than the site, the bucket and the payment pages; nothing
 * wider than the window; a title; no undeclared data in browser storage; no accessibility violation that axe finds.
 *
 * Environment: `BASE_URL` of the client, `MEDIA_URL` of the bucket, `FAKE_PAYMENTS_URL` of the payment pages, `SCREENS` the folder for
 * screenshots.
 */
import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";

import { chromium } from "playwright-core";

export const { BASE_URL, MEDIA_URL, FAKE_PAYMENTS_URL, SCREENS } = process.env;

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const AXE = await readFile(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** The timeout of every step, in milliseconds: other tests keep the machine busy. */
const TIMEOUT_MS = 60_000;
/** The keys of browser storage that the data registry declares. */
const DECLARED_KEYS = ["csrf", "theme", "language", "draft"];
/** The largest cumulative layout shift without input (<https://web.dev/articles/cls>). */
const MAX_LAYOUT_SHIFT = 0.01;

/** The windows that are tested. */
export const DEVICES = {
  desktop: { viewport: { width: 1360, height: 900 } },
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
};

let running;

/** Returns the browser, and starts it on the first call. */
async function browser() {
  const executablePath = process.env.CHROMIUM ?? CHROMIUM.find((path) => existsSync(path));
  if (!executablePath) throw new Error("there is no Chromium: install it (chromium on Debian and Ubuntu), or name it in CHROMIUM");
  running ??= await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  return running;
}

/** Closes the browser. */
export const close = async () => running?.close();

/** A person with a browser profile of their own, which is empty at first. */
export class Visitor {
  /** Failed checks, reported when the visitor leaves. */
  failures = [];
  /** Parts of console errors that the current step causes on purpose. */
  #expected = [];

  static async arrive({ device = "desktop", scheme = "light", locale = "en-GB" } = {}) {
    const visitor = new Visitor();
    const options = { ...DEVICES[device], colorScheme: scheme, locale, reducedMotion: "reduce", permissions: ["clipboard-read", "clipboard-write"] };
    visitor.name = `${device}-${scheme}`;
    visitor.context = await (await browser()).newContext(options);
    await visitor.context.addInitScript(() => {
      window.shifts = [];
      new PerformanceObserver((list) => {
        for (const { value, hadRecentInput, sources } of list.getEntries()) {
          if (!hadRecentInput) window.shifts.push([value, sources.map(({ node }) => node?.className ?? node?.nodeName).join(" ")]);
        }
      }).observe({ type: "layout-shift", buffered: true });
    });
    visitor.page = await visitor.context.newPage();
    visitor.page.setDefaultTimeout(TIMEOUT_MS);
    visitor.#listen();
    return visitor;
  }

  /** Runs a journey; its name is part of the message of a failure. */
  async journey(name, act) {
    try {
      await act();
    } catch (error) {
      await this.page.screenshot({ path: join(SCREENS, `failed-${this.name}.png`) });
      throw new Error(`${name}: ${error.message}\n  ${this.failures.join("\n  ")}`);
    }
  }

  #listen() {
    const { page, failures } = this;
    page.on("pageerror", (error) => failures.push(`an exception: ${error.message}`));
    page.on("dialog", (dialog) => {
      failures.push(`a dialog: ${dialog.message()}`);
      return dialog.dismiss();
    });
    page.on("console", (message) => {
      if (message.type() !== "error" && !message.text().includes("Content Security Policy")) return;
      // The fake payment pages are not part of the client.
      if (message.location().url.startsWith(FAKE_PAYMENTS_URL)) return;
      if (this.#expected.some((words) => message.text().includes(words))) return;
      failures.push(`in the console: ${message.text()} ${message.location().url}`);
    });
    page.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      if (["blob:", "data:"].includes(protocol) || [BASE_URL, MEDIA_URL, FAKE_PAYMENTS_URL].includes(origin)) return;
      failures.push(`a request to ${origin}`);
    });
  }

  /** Runs a step that causes one of these statuses or console errors on purpose. */
  async expecting(expected, act) {
    this.#expected = expected.map((one) => (typeof one === "number" ? `status of ${one}` : one));
    await act();
    this.#expected = [];
  }

  /** Opens a page of the client. */
  async go(path) {
    await this.page.goto(BASE_URL + path);
  }

  /** Takes a screenshot and runs the checks of every page. */
  async look(name) {
    const { page } = this;
    await page.waitForFunction(() => !document.querySelector(".loading"));
    await page.evaluate(() => document.fonts.ready);
    await page.screenshot({ path: join(SCREENS, `${name}-${this.name}.png`) });
    if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) this.failures.push(`${name}: wider than the window`);
    if (!(await page.title()).endsWith(` · ${this.service ?? "Darkroom"}`)) this.failures.push(`${name}: has no title of its own`);
    const kept = await page.evaluate(() => [...Object.keys(localStorage), ...Object.keys(sessionStorage), ...document.cookie.split(";").filter(Boolean)]);
    for (const key of kept) if (!DECLARED_KEYS.includes(key)) this.failures.push(`${name}: ${key} is in browser storage and not declared`);
    const session = await this.#devtools();
    // Over the debugging protocol, as the policy of the page forbids scripts.
    const expression = `${AXE}; axe.run().then((found) => JSON.stringify(found.violations.map(({ id, nodes }) => id + ": " + nodes.map(({ target }) => target.join(" ")).join(", "))))`;
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) this.failures.push(`${name}: axe does not run: ${exceptionDetails.text}`);
    else for (const violation of JSON.parse(result.value)) this.failures.push(`${name}: axe finds ${violation}`);
  }

  /** Starts to measure layout shifts, until `still`. */
  async settle() {
    await this.page.evaluate(() => { window.shifts = []; });
  }

  /** Checks that the layout has not shifted since `settle`. */
  async still(name) {
    const shifts = await this.page.evaluate(() => window.shifts);
    const sum = shifts.reduce((sum, [value]) => sum + value, 0);
    if (sum > MAX_LAYOUT_SHIFT) this.failures.push(`${name}: moved by ${sum.toFixed(3)}: ${shifts.map(([value, what]) => `${what} ${value.toFixed(3)}`).join(", ")}`);
  }

  /** Waits for a text on the page. */
  async sees(words, options = {}) {
    await this.page.getByText(words, options).first().waitFor();
  }

  /** Clicks the button, or another role, of this name. */
  async press(name, role = "button") {
    await this.page.getByRole(role, { name, exact: true }).first().click();
  }

  /** Creates an account and signs in. */
  async join(email, password) {
    const { page } = this;
    await this.go("/sign-up");
    await this.type(email, password);
    await this.press("Create account");
    await page.getByLabel("Code").fill("654 321");
    await this.press("Confirm and sign in");
    await page.getByLabel("Prompt", { exact: true }).waitFor();
  }

  /** Enters the credentials. */
  async type(email, password) {
    await this.page.getByLabel("Email address").last().fill(email);
    await this.page.getByLabel(/^(New password|Password)$/).last().fill(password);
  }

  /** Returns the one session of the debugging protocol. The end of any session would disconnect the authenticator. */
  async #devtools() {
    this.devtools ??= await this.context.newCDPSession(this.page);
    return this.devtools;
  }

  /** Connects an authenticator to the browser, which keeps the passkeys of this person and answers by itself. */
  async authenticator() {
    const session = await this.#devtools();
    await session.send("WebAuthn.enable");
    const options = { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true };
    await session.send("WebAuthn.addVirtualAuthenticator", { options });
  }

  async leave() {
    await this.context.close();
    if (this.failures.length > 0) throw new Error(`${this.name}: ${[...new Set(this.failures)].join("\n  ")}`);
  }
}

/** Returns the code in the last email to an address. */
export async function mailed(to) {
  const { messages } = await (await fetch(`${MEDIA_URL}/_ministack/ses/messages`)).json();
  const mails = Object.values(messages).flat().filter((mail) => mail.To.includes(to) && /\b\d{8}\b/.test(mail.BodyText));
  ensure(mails.length > 0, `no code was mailed to ${to}`);
  return mails.at(-1).BodyText.match(/\b\d{8}\b/)[0];
}

/** Gives an account a role of staff and signs it in. Returns a function that calls the API, with recovery codes. */
export async function staff(email, password, role = "administrator") {
  const pools = async (operation, request) => {
    const scope = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/cognito-idp/aws4_request, SignedHeaders=host, Signature=0";
    const headers = { "x-amz-target": `AWSCognitoIdentityProviderService.${operation}`, "content-type": "application/x-amz-json-1.1", authorization: scope };
    const answer = await fetch(MEDIA_URL, { method: "POST", headers, body: JSON.stringify(request) });
    ensure(answer.ok, `${operation}: ${answer.status}`);
    return answer.json();
  };
  const { UserPools } = await pools("ListUserPools", { MaxResults: 1 });
  await pools("AdminAddUserToGroup", { UserPoolId: UserPools[0].Id, GroupName: role, Username: email });
  let authorization = "";
  const ask = async (path, body) => {
    const headers = { ...(body && { "content-type": "application/json" }), ...(authorization && { authorization }) };
    // An empty text is a POST without a body.
    const request = body === undefined ? {} : { method: "POST", ...(body && { body: JSON.stringify(body) }) };
    const answer = await fetch(`${BASE_URL}/v1/${path}`, { headers, ...request });
    ensure(answer.ok, `${path}: ${answer.status}`);
    return answer.status === 204 ? undefined : answer.json();
  };
  const signIn = async (code) => {
    authorization = `Bearer ${(await ask("session/sign-in", { email, password, ...code })).access_token}`;
  };
  await signIn();
  const { secret, setup } = await ask("account/second-factor/app", "");
  const { recovery_codes: codes } = await ask("account/second-factor/app/confirmation", { setup, code: totp(secret) });
  await signIn({ code: codes[0] });
  // Each recovery code signs in once: the others are for a browser.
  return Object.assign(ask, { codes: codes.slice(1) });
}

/** Arrives as a new member of staff with this role, who is signed in with a second factor. */
export async function member(role, { device, scheme }) {
  const visitor = await Visitor.arrive({ device, scheme });
  const { page } = visitor;
  visitor.name = `${role}-${visitor.name}`;
  const [email, password] = [`${role}-${crypto.randomUUID()}@example.com`, "a-darkroom-for-everyone"];
  await visitor.join(email, password);
  const ask = await staff(email, password, role);
  await page.evaluate(async (signIn) => {
    const answer = await fetch("/v1/session/sign-in", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(signIn) });
    localStorage.setItem("csrf", (await answer.json()).csrf_token);
  }, { email, password, code: ask.codes[0] });
  await visitor.go("/");
  await page.getByLabel("Prompt", { exact: true }).waitFor();
  return Object.assign(visitor, { ask });
}

/** Returns the code that an authenticator app shows now, or this many steps of 30 seconds later (RFC 6238). */
export function totp(secret, later = 0) {
  const bits = [...secret.replaceAll(" ", "")].map((symbol) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(symbol).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + later));
  const tag = createHmac("sha1", key).update(step).digest();
  const number = tag.readUInt32BE(tag.at(-1) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

/** Throws an error with this message unless the condition holds. */
export function ensure(holds, words) {
  if (!holds) throw new Error(words);
}
