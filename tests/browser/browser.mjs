/**
 * A browser as a person with a device has it, which holds every page to what must always be true: no error in the console,
 * nothing that the Content-Security-Policy had to stop, no dialog, no request to anybody but us, our files, and the payment
 * pages; nothing wider than the window; a title of its own; nothing kept in the browser that is not declared; no violation
 * that axe finds.
 *
 * Environment: `BASE_URL` of the client, `MEDIA_URL` of people's files, `FAKE_PAYMENTS_URL` of the payment pages, `SCREENS` the folder for
 * screenshots.
 */
import { readFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";

import { chromium } from "playwright-core";

export const { BASE_URL, MEDIA_URL, FAKE_PAYMENTS_URL, SCREENS } = process.env;

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const AXE = await readFile(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** How long anything may take that is waited for: the machine is busy with other tests, in milliseconds. */
const PATIENCE_MS = 60_000;
/** What the client may keep in the browser, as the registry declares it. */
const KEPT = ["csrf", "theme", "language", "draft"];
/** By how much of the window what is seen may move without a hand (<https://web.dev/articles/cls>): a hair. */
const SHIFT = 0.01;

/** How a window can be. */
export const DEVICES = {
  desktop: { viewport: { width: 1360, height: 900 } },
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
};

let running;

/** The browser; the first time it is started. */
async function browser() {
  const executablePath = process.env.CHROMIUM ?? CHROMIUM.find((path) => existsSync(path));
  if (!executablePath) throw new Error("there is no Chromium: install it (chromium on Debian and Ubuntu), or name it in CHROMIUM");
  running ??= await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  return running;
}

/** Ends the browser. */
export const close = async () => running?.close();

/** Somebody at a browser of their own, with nothing kept in it. */
export class Visitor {
  /** What must not have happened. */
  mishaps = [];
  /** What a step brings about on purpose, by words of it: the browser reports it as an error. */
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
    visitor.page.setDefaultTimeout(PATIENCE_MS);
    visitor.#listen();
    return visitor;
  }

  /** One journey, named in what is said of a failure. */
  async journey(name, act) {
    try {
      await act();
    } catch (error) {
      await this.page.screenshot({ path: join(SCREENS, `failed-${this.name}.png`) });
      throw new Error(`${name}: ${error.message}\n  ${this.mishaps.join("\n  ")}`);
    }
  }

  #listen() {
    const { page, mishaps } = this;
    page.on("pageerror", (error) => mishaps.push(`an exception: ${error.message}`));
    page.on("dialog", (dialog) => {
      mishaps.push(`a dialog: ${dialog.message()}`);
      return dialog.dismiss();
    });
    page.on("console", (message) => {
      if (message.type() !== "error" && !message.text().includes("Content Security Policy")) return;
      // The pages that stand in for Stripe and PayPal are not ours to judge.
      if (message.location().url.startsWith(FAKE_PAYMENTS_URL)) return;
      if (this.#expected.some((words) => message.text().includes(words))) return;
      mishaps.push(`in the console: ${message.text()} ${message.location().url}`);
    });
    page.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      if (["blob:", "data:"].includes(protocol) || [BASE_URL, MEDIA_URL, FAKE_PAYMENTS_URL].includes(origin)) return;
      mishaps.push(`a request to ${origin}`);
    });
  }

  /** Does something that is answered with one of these statuses, or not at all, on purpose. */
  async expecting(expected, act) {
    this.#expected = expected.map((one) => (typeof one === "number" ? `status of ${one}` : one));
    await act();
    this.#expected = [];
  }

  /** Goes to a page of ours. */
  async go(path) {
    await this.page.goto(BASE_URL + path);
  }

  /** A page as it is now: a screenshot, and everything that must hold of it. */
  async look(name) {
    const { page } = this;
    await page.waitForFunction(() => !document.querySelector(".loading"));
    await page.evaluate(() => document.fonts.ready);
    await page.screenshot({ path: join(SCREENS, `${name}-${this.name}.png`) });
    if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) this.mishaps.push(`${name}: wider than the window`);
    if (!(await page.title()).endsWith(" · Darkroom")) this.mishaps.push(`${name}: has no title of its own`);
    const kept = await page.evaluate(() => [...Object.keys(localStorage), ...Object.keys(sessionStorage), ...document.cookie.split(";").filter(Boolean)]);
    for (const key of kept) if (!KEPT.includes(key)) this.mishaps.push(`${name}: ${key} is kept in the browser, and not declared`);
    const session = await this.context.newCDPSession(page);
    // Past the policy that forbids it to the page itself.
    const expression = `${AXE}; axe.run().then((found) => JSON.stringify(found.violations.map(({ id, nodes }) => id + ": " + nodes.map(({ target }) => target.join(" ")).join(", "))))`;
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    await session.detach();
    if (exceptionDetails) this.mishaps.push(`${name}: axe does not run: ${exceptionDetails.text}`);
    else for (const violation of JSON.parse(result.value)) this.mishaps.push(`${name}: axe finds ${violation}`);
  }

  /** From now on nothing must move by itself, until `still` looks. */
  async settle() {
    await this.page.evaluate(() => { window.shifts = []; });
  }

  /** Nothing has moved by itself. */
  async still(name) {
    const shifts = await this.page.evaluate(() => window.shifts);
    const sum = shifts.reduce((sum, [value]) => sum + value, 0);
    if (sum > SHIFT) this.mishaps.push(`${name}: moved by ${sum.toFixed(3)}: ${shifts.map(([value, what]) => `${what} ${value.toFixed(3)}`).join(", ")}`);
  }

  /** Waits for words on the page. */
  async sees(words, options = {}) {
    await this.page.getByText(words, options).first().waitFor();
  }

  /** Presses what is called so. */
  async press(name, role = "button") {
    await this.page.getByRole(role, { name, exact: true }).first().click();
  }

  /** Makes an account, or signs in with one. */
  async join(email, password) {
    const { page } = this;
    await this.go("/sign-up");
    await this.type(email, password);
    await this.press("Create account");
    await page.getByLabel("Code").fill("123456");
    await this.press("Confirm and sign in");
    await page.getByLabel("Prompt", { exact: true }).waitFor();
  }

  /** Types what signs in. */
  async type(email, password) {
    await this.page.getByLabel("Email address").last().fill(email);
    await this.page.getByLabel(/^(New password|Password)$/).last().fill(password);
  }

  async leave() {
    await this.context.close();
    if (this.mishaps.length > 0) throw new Error(`${this.name}: ${[...new Set(this.mishaps)].join("\n  ")}`);
  }
}

/** The code in the last mail of ours to an address. */
export async function mailed(to) {
  const { messages } = await (await fetch(`${MEDIA_URL}/_ministack/ses/messages`)).json();
  const mails = Object.values(messages).flat().filter((mail) => mail.To.includes(to) && /\b\d{8}\b/.test(mail.BodyText));
  ensure(mails.length > 0, `no code was mailed to ${to}`);
  return mails.at(-1).BodyText.match(/\b\d{8}\b/)[0];
}

/** Makes somebody a member of staff, and signs them in: what they ask the API. */
export async function staff(email, password) {
  const pools = async (operation, request) => {
    const scope = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/cognito-idp/aws4_request, SignedHeaders=host, Signature=0";
    const headers = { "x-amz-target": `AWSCognitoIdentityProviderService.${operation}`, "content-type": "application/x-amz-json-1.1", authorization: scope };
    const answer = await fetch(MEDIA_URL, { method: "POST", headers, body: JSON.stringify(request) });
    ensure(answer.ok, `${operation}: ${answer.status}`);
    return answer.json();
  };
  const { UserPools } = await pools("ListUserPools", { MaxResults: 1 });
  await pools("AdminAddUserToGroup", { UserPoolId: UserPools[0].Id, GroupName: "staff", Username: email });
  let authorization = "";
  const ask = async (path, body) => {
    const headers = { "content-type": "application/json", ...(authorization && { authorization }) };
    const answer = await fetch(`${BASE_URL}/v1/${path}`, body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers });
    ensure(answer.ok, `${path}: ${answer.status}`);
    return answer.status === 204 ? undefined : answer.json();
  };
  authorization = `Bearer ${(await ask("session/sign-in", { email, password })).access_token}`;
  return ask;
}

/** Fails with these words unless it holds. */
export function ensure(holds, words) {
  if (!holds) throw new Error(words);
}
