/**
 * The pages of the client with mocked responses of the API, so that every window and language has the same data: what people
 * press is visible and not covered on phones, in narrow windows and when zoomed in, images keep their proportions, nothing
 * jumps, German pages are German, and what people need before they buy is told.
 *
 * `node pages.mjs DEVICE SCHEME`
 */
import { readFile } from "node:fs/promises";

import { MEDIA_URL, Visitor, close, ensure } from "./browser.mjs";

const [device, scheme] = process.argv.slice(2);
const PICTURE = await readFile(new URL("../../infra/pictures/cabin.png", import.meta.url));
const EMAIL = "ada@example.com";
const PROMPT = "A kite over the dunes";
/** A phone, the narrowest phone, and a desktop zoomed to 200%, which halves its window. */
const WINDOWS = [[390, 844], [320, 568], [680, 450]];
/** How much two lengths may differ, in pixels. */
const TOLERANCE = 2;

const at = (secondsAgo) => new Date(Date.now() - 1000 * secondsAgo).toISOString();
const problem = (status, slug, more = {}) => ({
  status,
  contentType: "application/problem+json",
  headers: more.retry_after === undefined ? {} : { "retry-after": String(more.retry_after) },
  body: JSON.stringify({ type: `urn:darkroom:problem:${slug}`, title: slug, status, ...more }),
});

let lastId = 0;
function generation(change = {}, [width, height] = [1024, 1024], count = 1) {
  const id = `0198f0c0-0000-7000-8000-${String(++lastId).padStart(12, "0")}`;
  const outputs = Array.from({ length: count }, (_, index) => ({
    number: index + 1, visibility: "private", show_prompt: false,
    file: { url: `${MEDIA_URL}/made-up/${id}-${index}.png`, content_type: "image/png", bytes: PICTURE.length, width, height },
  }));
  return {
    id, kind: "image", status: "succeeded", created_at: at(60), ended_at: at(50), deadline_at: at(-840),
    settings: { model: "sketch-image", prompt: PROMPT, width, height, count, visible_label: false }, credits: { reserved: count, spent: count, released: 0 }, outputs,
    ...change,
  };
}

const used = (value, limit) => ({ used: value, limit });
const TEXTS = JSON.parse(await readFile(new URL("../../shared/domain/service-texts/default.json", import.meta.url), "utf8"));
const TERMS = TEXTS.terms.version;
const { terms: _, ...shown } = TEXTS;
const service = { ...shown, terms_version: TERMS };
const account = {
  id: "0198f0c0-0000-7000-8000-00000000000a", email: EMAIL, plan: "free", status: "active", frozen_for: [], held: [], created_at: at(86_400),
  terms: { version: TERMS, accepted: { version: TERMS, at: at(86_400) } }, credits: { available: 100, held: 0 }, preferences: { theme: "system", language: "en" },
  limits: {
    jobs_in_flight: used(0, 3), uploads: used(0, 20), upload_bytes: used(0, 209_715_200), outputs_per_generation: 2, output_pixels: 1_048_576,
    submits_per_minute: 10, uploads_per_hour: 60, shares_per_output: 5,
  },
};
const models = [
  {
    id: "sketch-image", title: "Sketch", kind: "image", credits: 1, durations_ms: [], qualities: [], max_count: 8, negative_prompt: true, seed: true, input_image: true,
    sizes: [{ width: 1024, height: 1024 }, { width: 640, height: 360 }, { width: 360, height: 640 }],
  },
  {
    id: "sketch-video", title: "Sketch Video", kind: "video", credits: 2, durations_ms: [4000, 8000], qualities: [], max_count: 1, negative_prompt: false, seed: false,
    input_image: false, sizes: [{ width: 640, height: 360 }],
  },
];
const prices = ["USD", "EUR", "GBP", "JPY"].map((currency) => ({ amount: 500, currency }));
const packages = {
  packages: [
    { id: "starter", title: "Starter: 200 credits", credits: 200, plan: "plus", prices },
    { id: "studio", title: "Studio: 5,000 credits", credits: 5_000, plan: "pro", prices },
  ],
  plans: [{ plan: "free", retention_days: 30 }, { plan: "plus", retention_days: 365 }, { plan: "pro", retention_days: 1_095 }],
  welcome_credits: 20,
  providers: [{ id: "stripe", privacy_policy: "https://stripe.com/privacy" }],
};

/**
 * Opens the client with a mocked API. `answers` adds or replaces responses by method and path; a response is JSON, or a
 * function that gets the request.
 */
async function visit({ size, locale, signedIn = true, answers = {} }) {
  const visitor = await Visitor.arrive({ device, scheme, ...(locale ? { locale } : {}) });
  const { context, page } = visitor;
  if (size) await page.setViewportSize({ width: size[0], height: size[1] });
  visitor.name = `pages-${visitor.name}${size ? `-${size.join("x")}` : ""}`;
  if (signedIn) await context.addInitScript(() => localStorage.setItem("csrf", "1"));
  const jobs = [];
  const all = {
    "POST session/refresh": { access_token: "t", expires_in_s: 600, csrf_token: "1", account_id: account.id },
    "GET account": account,
    "GET models": { models, always_labelled: false },
    "GET service": service,
    "GET account/invitations": { items: [] },
    "GET terms": TEXTS.terms,
    "GET packages": packages,
    "GET gallery": { items: [], next: null },
    "GET generations": () => ({ items: jobs, next: null }),
    "POST generations": () => {
      jobs.unshift(generation({ status: "queued", outputs: [], ended_at: null, created_at: at(0) }));
      return { status: 202, contentType: "application/json", body: JSON.stringify(jobs[0]) };
    },
    "POST generations/quote": { credits: 1, available: account.credits.available },
    ...answers,
  };
  await context.route("**/v1/**", async (route) => {
    const request = route.request();
    const path = new URL(request.url()).pathname.replace("/v1/", "");
    const found = all[`${request.method()} ${path}`];
    const answer = typeof found === "function" ? await found(request) : found;
    if (answer === undefined) return route.fulfill(problem(404, "not-found"));
    return route.fulfill(answer.contentType ? answer : { json: answer });
  });
  await context.route(`${MEDIA_URL}/made-up/*`, (route) => route.fulfill({ contentType: "image/png", body: PICTURE, headers: { "access-control-allow-origin": "*" } }));
  return Object.assign(visitor, { jobs });
}

/** Runs a step for a visitor, who then leaves. */
async function journey(name, options, act) {
  const visitor = await visit(options);
  await visitor.journey(name, () => act(visitor, visitor.page));
  await visitor.leave();
}

/** Opens the studio and enters a prompt. */
async function compose(visitor) {
  await visitor.go("/");
  await visitor.page.getByLabel("Prompt", { exact: true }).fill(PROMPT);
  await visitor.page.locator(".submit-bar button[type=submit]:enabled").waitFor();
}

/** Checks that an element lies within the window and nothing covers it. */
async function isReachable(page, selector) {
  // What appeared pushes the rest aside in the next frames.
  await page.evaluate(async () => {
    const frame = () => new Promise((shown) => requestAnimationFrame(shown));
    await frame().then(frame);
    const ending = document.getAnimations().filter((animation) => animation.effect?.getTiming().iterations !== Infinity);
    await Promise.allSettled(ending.map((animation) => animation.finished));
  });
  const seen = await page.locator(selector).first().evaluate((element) => {
    const { left, top, right, bottom } = element.getBoundingClientRect();
    const points = [[(left + right) / 2, (top + bottom) / 2], [left + 12, top + 6], [right - 12, bottom - 6]];
    const covered = points.map(([x, y]) => document.elementFromPoint(x, y)).find((top) => !top || !(element.contains(top) || top.contains(element)));
    return { inside: top >= 0 && left >= 0 && bottom <= innerHeight && right <= innerWidth, box: [left, top, right, bottom], by: covered?.outerHTML?.slice(0, 80) };
  });
  ensure(seen.inside, `${selector} lies outside of the window: ${seen.box}`);
  ensure(seen.by === undefined, `${selector} is covered by ${seen.by}`);
}

for (const size of WINDOWS) {
  await journey("the main button is visible above the tab bar", { size }, async (ada, page) => {
    await compose(ada);
    await page.evaluate(() => scrollTo(0, 0));
    await isReachable(page, ".submit-bar button[type=submit]");
    await ada.look("submit-bar");
  });

  const limited = { "POST generations": () => problem(429, "too-many-jobs", { retry_after: 5 }) };
  await journey("an error is visible beside the button", { size, answers: limited }, async (ada, page) => {
    await compose(ada);
    await ada.expecting([429], async () => {
      await page.locator(".submit-bar button[type=submit]").click();
      await page.locator(".composer .notice.error").waitFor();
    });
    await isReachable(page, ".composer .notice.error");
    await isReachable(page, ".submit-bar button[type=submit]");
    await ada.look("too-many-jobs");
  });

  const invalid = { "POST generations": () => problem(400, "invalid-request", { errors: [{ field: "prompt", rule: "must be nicer" }] }) };
  await journey("a field that the API rejects is visible", { size, answers: invalid }, async (ada, page) => {
    await compose(ada);
    await page.evaluate(() => scrollTo(0, 1_000));
    await ada.expecting([400], async () => {
      await page.locator(".submit-bar button[type=submit]").click();
      await page.locator(".field .field-error").waitFor();
    });
    await page.waitForFunction(() => {
      const error = document.querySelector(".field .field-error");
      const { left, top, bottom } = error.getBoundingClientRect();
      return top > 0 && error.contains(document.elementFromPoint(left + 4, (top + bottom) / 2));
    });
  });

  await journey("a submitted job is in view", { size }, async (ada, page) => {
    await compose(ada);
    await page.locator(".submit-bar button[type=submit]").click();
    await page.locator(".frame.generating").waitFor();
    await page.waitForFunction(() => {
      const { top } = document.querySelector(".frame.generating").getBoundingClientRect();
      return top >= 0 && top < innerHeight * 0.7;
    });
  });
}

await journey("the toast of a submit goes with its job", {}, async (ada, page) => {
  await compose(ada);
  await page.locator(".submit-bar button[type=submit]").click();
  await page.locator(".toast", { hasText: "Generation started" }).waitFor();
  const shownAt = Date.now();
  Object.assign(ada.jobs[0], generation(), { id: ada.jobs[0].id });
  await page.locator(".job .thumbnail.loaded").waitFor();
  await page.locator(".toast").waitFor({ state: "detached" });
  // By itself it would stay for six seconds.
  ensure(Date.now() - shownAt < 5_000, "the toast outlives its job");
});

await journey("images keep their proportions", {}, async (ada, page) => {
  ada.jobs.push(generation({}, [1024, 1024], 2), generation({}, [640, 360]), generation({}, [360, 640], 4), generation({}, [1536, 512]));
  await ada.go("/");
  await page.locator(".job .thumbnail.loaded").nth(7).waitFor();
  const wrong = await page.locator(".job .frame img").evaluateAll((images, tolerance) => images.flatMap((image) => {
    const { width, height } = image.getBoundingClientRect();
    const expected = width * (Number(image.getAttribute("height")) / Number(image.getAttribute("width")));
    return Math.abs(expected - height) > tolerance ? [`${width}x${height} of ${image.getAttribute("width")}x${image.getAttribute("height")}`] : [];
  }), TOLERANCE);
  ensure(wrong.length === 0, `images are cropped: ${wrong}`);
  await ada.look("proportions");
});

await journey("the progress of a running job is never complete", {}, async (ada, page) => {
  ada.jobs.push(generation({ status: "running", outputs: [], ended_at: null, created_at: at(500) }), generation());
  await ada.go("/");
  await page.locator(".generating-status .bar:not(.indeterminate) i").waitFor();
  const part = await page.locator(".generating-status .bar").evaluate((bar) => bar.firstElementChild.getBoundingClientRect().width / bar.getBoundingClientRect().width);
  ensure(part < 0.97, `the progress is ${part}`);
});

/** Answers after a while, as over a real connection. */
const slowly = (answer) => async () => {
  await new Promise((resolve) => setTimeout(resolve, 300));
  return answer;
};
const slowStart = { "POST session/refresh": slowly({ access_token: "t", expires_in_s: 600, csrf_token: "1", account_id: account.id }), "GET account": slowly(account) };
await journey("the logo does not move at the start", { answers: slowStart }, async (ada, page) => {
  await page.addInitScript(() => {
    window.positions = [];
    const look = () => {
      const logo = document.querySelector(".logo");
      if (logo) window.positions.push(`${Math.round(logo.getBoundingClientRect().left)},${Math.round(logo.getBoundingClientRect().top)}`);
      requestAnimationFrame(look);
    };
    look();
  });
  await ada.go("/");
  await page.locator(".credit-balance").waitFor();
  const positions = await page.evaluate(() => [...new Set(window.positions)]);
  ensure(positions.length === 1, `the logo moves: ${positions}`);
});

await journey("the offline banner covers nothing", {}, async (ada, page) => {
  await compose(ada);
  await ada.context.setOffline(true);
  await page.locator(".connection-banner").waitFor();
  for (const selector of [".logo", ".main-nav a", ".connection-banner"]) await isReachable(page, selector);
  await ada.expecting(["ERR_INTERNET_DISCONNECTED", "Failed to fetch dynamically imported module", "error loading dynamically imported module"], async () => {
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Account" }).click();
    await page.getByRole("heading", { name: "You're offline. Check your connection and try again." }).waitFor();
    await ada.press("Try again");
    await page.getByRole("heading", { name: "You're offline. Check your connection and try again." }).waitFor();
  });
  await ada.context.setOffline(false);
  await page.getByRole("heading", { name: "Account" }).waitFor();
});

await journey("the password is changed while signed in", {
  answers: {
    "GET account/activity": { items: [], next: null },
    "GET account/second-factor": { app: false, passkeys: [{ id: "0199c8a4-7e3b-7d21-9c44-5b0f6a1e2d3c", name: "Phone", added_at: "2026-01-01T12:00:00Z", last_used_at: null }], recovery_codes: 0 },
    "POST session/forgot": () => ({ status: 202, contentType: "application/json", body: "" }),
  },
}, async (ada, page) => {
  await ada.go("/account/sessions");
  await ada.press("Change password");
  await page.getByRole("heading", { name: "Set new password" }).waitFor();
  await ada.sees(EMAIL);
});

await journey("the current tab is in view", { size: [390, 844], answers: { "GET privacy/inventory": { kinds: [] } } }, async (ada, page) => {
  await ada.go("/privacy/deletion");
  await page.locator('.tabs [aria-current="page"]').waitFor();
  await page.waitForFunction(() => {
    const { left, right } = document.querySelector('.tabs [aria-current="page"]').getBoundingClientRect();
    return left >= 0 && right <= innerWidth;
  });
});

for (const [width, height] of [[640, 360], [360, 640], [1536, 384]]) {
  const [{ file }] = generation({}, [width, height]).outputs;
  const only = { id: generation().id, output: 1, kind: "image", prompt: PROMPT, published_at: at(60), file };
  const answers = { "GET gallery": { items: [only], next: null } };
  await journey("a single public image is not a strip on the landing page", { size: [1360, 900], signedIn: false, answers }, async (ada, page) => {
    await ada.go("/");
    await page.locator(".showcase .thumbnail.loaded").waitFor();
    const box = await page.locator(".showcase .frame").boundingBox();
    ensure(box.width / box.height < 3.2 && box.width / box.height > 0.4, `the image is ${box.width}x${box.height}`);
    await ada.look(`landing-${width}x${height}`);
  });
}

await journey("a truncated paste is told", {}, async (ada, page) => {
  await ada.go("/");
  const prompt = page.getByLabel("Prompt", { exact: true });
  await prompt.focus();
  await page.evaluate(() => navigator.clipboard.writeText("a".repeat(3_160)));
  await page.keyboard.press("Control+v");
  await ada.sees("Your text was cut to 2,000 characters.");
  ensure((await prompt.inputValue()).length === 2_000, "the text is not cut");
});

await journey("another tab shows new jobs and credits", {}, async (ada, page) => {
  await compose(ada);
  const other = await ada.context.newPage();
  await other.goto(page.url());
  await other.getByText("Nothing generated yet").waitFor();
  const { jobs } = ada;
  await ada.context.route("**/v1/generations", async (route) => {
    if (route.request().method() !== "POST") return route.fallback();
    jobs.unshift(generation());
    await route.fulfill({ json: jobs[0], status: 202 });
  });
  await ada.context.route("**/v1/account", (route) => route.fulfill({ json: { ...account, credits: { available: 99, held: 0 } } }));
  await page.locator(".submit-bar button[type=submit]").click();
  await other.locator(".job .thumbnail.loaded").waitFor();
  await other.locator(".credit-balance", { hasText: "99" }).waitFor();
  await other.close();
});

const [, { id: paymentId }] = [0, generation()];
const payment = (status, change = {}) => ({
  id: paymentId, provider: "stripe", package: "starter", credits: 200, plan: "plus", price: prices[0], status, refunds: [], granted: 0, clawed_back: 0,
  created_at: at(60), closes_at: at(-1_740), total: null, ...change,
});

await journey("a canceled checkout is not waited for, and is no receipt", {
  answers: {
    [`GET checkout/${paymentId}`]: payment("created"),
    "GET checkout": { items: [payment("paid", { total: prices[0], granted: 200 }), payment("created"), payment("expired")], next: null },
  },
}, async (ada, page) => {
  await ada.go(`/credits/${paymentId}?canceled=1`);
  await ada.sees("Checkout canceled");
  ensure((await page.locator(".notice .bar").count()) === 0, "a canceled checkout is waited for");
  await ada.go("/credits/receipts");
  await ada.sees("2 checkouts without a payment");
  ensure((await page.locator(".receipts a:visible").count()) === 1, "unpaid checkouts are among the receipts");
  await ada.look("receipts-unpaid");
});

await journey("the reference image is in sight, and a reload keeps its preview", {
  answers: {
    "POST uploads": { id: paymentId, kind: "image", content_type: "image/png", bytes: PICTURE.length, state: { status: "waiting" }, created_at: at(0), expires_at: at(-86_400), put: { method: "PUT", url: `${MEDIA_URL}/made-up/put`, headers: [] } },
    [`GET uploads/${paymentId}`]: { id: paymentId, kind: "image", content_type: "image/png", bytes: PICTURE.length, state: { status: "ready" }, created_at: at(0), expires_at: at(-86_400) },
  },
}, async (ada, page) => {
  await ada.go("/");
  await page.setInputFiles("input[type=file]", { name: "cabin.png", mimeType: "image/png", buffer: PICTURE });
  await ada.sees("cabin.png is ready");
  const preview = page.getByRole("img", { name: "Preview of the reference image" });
  ensure((await preview.evaluate((image) => image.naturalWidth)) > 100, "there is no preview");
  await page.reload();
  await preview.waitFor();
  await ada.look("reference-image");
});

await journey("a file that cannot be used is named, with the reason and the way out", {}, async (ada, page) => {
  await ada.go("/");
  for (const [name, mimeType, content, words] of [
    ["clip.mp4", "video/mp4", "no image", "JPEG, PNG or WebP"],
    ["photo.heic", "image/heic", "no image", "JPEG, PNG or WebP"],
    ["empty.png", "image/png", "", "it is empty. Choose another file."],
  ]) {
    await page.setInputFiles("input[type=file]", { name, mimeType, buffer: Buffer.from(content) });
    const message = await page.locator(".drop-zone .field-error", { hasText: name }).textContent();
    ensure(message.includes(words) && !/video|mp4/i.test(message.replaceAll(name, "")), message);
  }
});

const forSale = [{ ...models[0], id: "gpt-image", title: "GPT Image", credits: 8, needs_purchase: true }, ...models];

await journey("a model that free credits do not cover says so, and another one is chosen first", { answers: { "GET models": { models: forSale } } }, async (ada, page) => {
  await ada.go("/");
  await page.getByLabel("Prompt", { exact: true }).fill(PROMPT);
  const generate = page.locator(".submit-bar button[type=submit]");
  ensure((await page.getByLabel("Model").inputValue()) === "sketch-image", "the first model is chosen");
  await page.waitForFunction(() => !document.querySelector(".submit-bar button[type=submit]").disabled);
  await page.getByLabel("Model").selectOption("gpt-image");
  await ada.sees("Free credits don't cover this model.");
  ensure(await generate.isDisabled(), "it can be submitted");
  ensure((await page.locator(".submit-bar a").getAttribute("href")) === "/credits", "no link to the packages");
  await ada.look("purchase-needed");
});

for (const [name, always_labelled, label] of [
  ["a visible label is sent if it is chosen", false, "Show a label that it is AI generated"],
  ["a visible label that the operator always wants is no choice", true, "Shows a label that it is AI generated, as everything here"],
]) {
  const sent = [];
  const answers = {
    "GET models": { models, always_labelled },
    "POST generations": (request) => {
      sent.push(request.postDataJSON().visible_label);
      return { status: 202, contentType: "application/json", body: JSON.stringify(generation({ status: "queued", outputs: [], ended_at: null, created_at: at(0) })) };
    },
  };
  await journey(name, { answers }, async (ada, page) => {
    await compose(ada);
    const choice = page.getByLabel(label);
    ensure((await choice.isChecked()) === always_labelled && (await choice.isDisabled()) === always_labelled, "it is not as the operator wants it");
    if (!always_labelled) await choice.check();
    await ada.look("visible-label");
    const submitted = page.waitForResponse((answer) => answer.request().method() === "POST" && answer.url().endsWith("/v1/generations"));
    await page.locator(".submit-bar button[type=submit]").click();
    await submitted;
    // Where the operator always wants it, the service sees to it.
    ensure(sent.length === 1 && sent[0] === (always_labelled ? undefined : true), `sent: ${sent}`);
  });
}

await journey("the landing page says what free credits are for", { signedIn: false, answers: { "GET models": { models: forSale } } }, async (ada) => {
  await ada.go("/");
  await ada.sees("For Sketch and Sketch Video.");
});

await journey("prices, free credits, retention, policy and languages are on the landing page", { signedIn: false }, async (ada, page) => {
  await ada.go("/");
  for (const words of ["20 credits with a new account", "About 200 images or 25 videos of 4 seconds", "Files are kept for 30 days", "Files are kept for 1 year", "What you could create"]) await ada.sees(words);
  await ada.look("landing");
  await page.getByLabel("Language").selectOption("de");
  await ada.sees("Aufbewahrung deiner Dateien: 3 Jahre");
  await page.getByRole("link", { name: "Credits kaufen" }).click();
  await page.getByRole("link", { name: "Konto erstellen, um zu kaufen" }).first().waitFor();
  ensure((await page.locator(".packages > li").count()) === 2, "the packages cannot be read without an account");
  await ada.look("credits-signed-out");
});

await journey("the plan says how long files are kept", {}, async (ada) => {
  await ada.go("/account/plan");
  await ada.sees("Files are kept for 30 days");
  await ada.go("/credits");
  await ada.sees("Files are kept for 3 years");
});

const checked = {
  media_type: "image/png",
  techniques: [
    {
      technique: "c2pa", verdict: "signed_here", explanation: "English",
      manifest: {
        signer: "Darkroom", claim_generator: "Darkroom 0.1.0", problems: [], ingredients: [{ relationship: "parentOf" }],
        actions: [{ action: "c2pa.opened" }, { action: "c2pa.edited", source_type: "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia" }],
      },
    },
    { technique: "watermark", verdict: "marked_here", explanation: "English" },
    { technique: "metadata", verdict: "found", explanation: "English", source_type: "trainedAlgorithmicMedia" },
    { technique: "of-tomorrow", verdict: "not_found", explanation: "A technique that this client does not know." },
  ],
};
const checking = (sent) => ({ "POST provenance/check": (request) => { sent.push(request.postDataBuffer()); return checked; } });
for (const size of WINDOWS) {
  const sent = [];
  await journey("a file is checked without an account", { size, signedIn: false, answers: checking(sent) }, async (ada, page) => {
    await ada.go("/gallery/public");
    await page.getByRole("link", { name: "Check a file" }).click();
    await page.getByRole("heading", { name: "Check a file" }).waitFor();
    await page.setInputFiles("input[type=file]", { name: "large.png", mimeType: "image/png", buffer: Buffer.alloc((4 << 20) + 1) });
    await ada.sees("large.png: it is larger than 4 MB");
    await page.setInputFiles("input[type=file]", { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("no image") });
    await ada.sees("notes.txt: this format is not supported");
    ensure(sent.length === 0, "a file that cannot be checked is sent");
    await page.setInputFiles("input[type=file]", { name: "cabin.png", mimeType: "image/png", buffer: PICTURE });
    for (const words of ["Result for cabin.png", "Signed by this service", "Invisible watermark", "Darkroom 0.1.0", "Edited (Generated by an AI model)", "A technique that this client does not know."]) {
      await ada.sees(words);
    }
    ensure(sent.length === 1 && sent[0].equals(PICTURE), "another file is sent");
    ensure((await page.locator(".field-error").count()) === 0, "the error of an earlier file is left");
    await ada.look("check");
  });
}

const reported = {
  id: "0198f0c0-0000-7000-8000-0000000000aa", output: 1, kind: "image", prompt: PROMPT, published_at: at(600), report_token: "a-token",
  file: { url: `${MEDIA_URL}/made-up/public.png`, content_type: "image/png", bytes: PICTURE.length, width: 1024, height: 1024 },
};
for (const size of WINDOWS) {
  const sent = [];
  const answers = {
    "GET gallery": { items: [reported], next: null },
    "POST reports": (request) => {
      sent.push(request.postDataJSON());
      const receipt = { id: "0198f0c0-0000-7000-8000-0000000000bb", received_at: at(0), decide_by: at(-172_800) };
      return { status: 201, contentType: "application/json", body: JSON.stringify(receipt) };
    },
  };
  await journey("a public image is reported without an account", { size, signedIn: false, answers }, async (ada, page) => {
    await ada.go(`/gallery/public/${reported.id}?n=1`);
    await page.getByRole("button", { name: "Report" }).click();
    const form = page.getByRole("dialog", { name: "Report this" });
    ensure((await form.getByLabel("Your full name").count()) === 0, "a signature is asked for where none is needed");
    await form.getByLabel("Reason").selectOption("intimate_image");
    await form.getByLabel("What is wrong with it?").fill("It shows me.");
    await form.getByLabel("Email address").fill("bob@example.com");
    await form.getByLabel("Your full name").fill("Bob Roberts");
    await ada.look("report");
    await form.getByRole("button", { name: "Send report" }).click();
    ensure(sent.length === 0, "a report is sent that nobody vouches for");
    await form.getByLabel("I state in good faith").check();
    await form.getByRole("button", { name: "Send report" }).click();
    await ada.sees("Your report: 0198f0c0-0000-7000-8000-0000000000bb");
    const { item, reason, signature, good_faith } = sent[0];
    ensure(item === "a-token" && reason === "intimate_image" && signature === "Bob Roberts" && good_faith, JSON.stringify(sent));
  });
}

const counts = {
  month: "2026-11", reason: "privacy", cases: 3, reports: 7, kept: 1, restricted: 1, removed: 1, hidden_automatically: 0, suspensions: 0, freezes: 0, appeals: 1,
  appeals_upheld: 0, appeals_reversed: 1, median_decision_s: 5_400,
};
for (const [locale, words] of [
  ["en", { title: "Transparency report", month: "November 2026", reason: "Personal data", time: "1.5 hours" }],
  ["de", { title: "Transparenzbericht", month: "November 2026", reason: "Persönliche Daten oder eine Person", time: "1,5 Stunden" }],
]) {
  const answers = { "GET transparency": { counts: [counts], complete: true }, "GET account": { ...account, preferences: { theme: "system", language: locale } } };
  await journey(`the transparency report is a page in ${locale}`, { size: WINDOWS[0], locale, answers }, async (ada, page) => {
    await ada.go("/transparency");
    await page.getByRole("heading", { name: words.title }).waitFor();
    for (const seen of [words.month, words.reason, words.time]) await ada.sees(seen);
    await ada.look("transparency");
  });
}

for (const [locale, words] of [
  ["en", { ask: "Please read and accept", accept: "Accept the terms", title: "Terms of service and acceptable use", rule: "intimate images of a real person" }],
  ["de", { ask: "Bitte lies die Bedingungen", accept: "Bedingungen zustimmen", title: "Nutzungsbedingungen und zulässige Nutzung", rule: "intime Bilder einer echten Person" }],
]) {
  const sent = [];
  const accepted = (request) => {
    sent.push(request.postDataJSON());
    return { version: TERMS, accepted: { version: TERMS, at: at(0) } };
  };
  const older = { version: TERMS, accepted: { version: "2020-01-01", at: at(86_400) } };
  const answers = { "GET account": { ...account, terms: older, preferences: { theme: "system", language: locale } }, "POST account/terms": accepted };
  await journey(`newer terms are read and accepted in ${locale}`, { size: WINDOWS[0], locale, answers }, async (ada, page) => {
    await ada.go("/terms");
    await page.getByRole("heading", { name: words.title }).waitFor();
    await ada.sees(words.rule);
    await ada.sees(words.ask);
    await ada.look("terms");
    await page.getByRole("button", { name: words.accept }).click();
    await page.getByText(words.ask).waitFor({ state: "detached" });
    ensure(sent.length === 1 && sent[0].version === TERMS, JSON.stringify(sent));
  });
}

for (const [locale, words] of [
  ["en", { link: "Imprint and contact", imprint: "Atelier Ltd, London" }],
  ["de", { link: "Impressum und Kontakt", imprint: "Atelier GmbH, Berlin" }],
]) {
  const logo = `data:image/png;base64,${PICTURE.toString("base64")}`;
  const own = {
    ...service, name: "Atelier", contact: "hello@atelier.example", imprint: { en: "Atelier Ltd, London", de: "Atelier GmbH, Berlin" },
    accent: { light: "#0b5cad", dark: "#8ec5ff" }, logo,
  };
  await journey(`the service has the name, color and logo of its operator in ${locale}`, { locale, signedIn: false, answers: { "GET service": own } }, async (ada, page) => {
    ada.service = own.name;
    await ada.go("/");
    await page.getByRole("link", { name: "Atelier", exact: true }).waitFor();
    ensure((await page.title()).includes("Atelier"), await page.title());
    const button = await page.locator(".button.primary").first().evaluate((element) => getComputedStyle(element).backgroundColor);
    ensure(button === (scheme === "dark" ? "rgb(142, 197, 255)" : "rgb(11, 92, 173)"), `the button is ${button}`);
    ensure(await page.locator(".logo img").evaluate((image) => image.naturalWidth > 0), "the logo is not shown");
    await ada.look("own-service");
    await page.getByRole("link", { name: words.link }).click();
    await ada.sees(words.imprint);
    await page.getByRole("link", { name: "hello@atelier.example" }).waitFor();
    ensure((await page.title()).endsWith(" · Atelier"), await page.title());
    await ada.look("imprint");
  });
}

const decided = {
  id: "0198f0c0-0000-7000-8000-0000000000cc", generation: reported.id, output: 1, reason: "privacy", reports: 2, hidden_at: null, opened_at: at(7_200),
  decide_by: at(-500_000), appeal_until: at(-15_000_000), appeal: null,
  decision: { action: "restrict", reason: "privacy", explanation: "It shows a private house.", suspends_publishing: true, freezes: false, staff: "s-1", at: at(60) },
};
for (const [locale, words] of [
  ["en", { title: "Only you can see it.", waits: "Another staff member decides", field: "why is the decision wrong?", send: "Send appeal" }],
  ["de", { title: "Nur du siehst es.", waits: "Jemand anderes aus unserem Team entscheidet", field: "Warum ist die Entscheidung falsch?", send: "Einspruch senden" }],
]) {
  const appealed = (request) => ({ ...decided, appeal_until: null, appeal: { text: request.postDataJSON().text, at: at(0) } });
  const answers = {
    "GET account": { ...account, publishing_suspended_at: at(60), preferences: { theme: "system", language: locale } },
    "GET moderation/cases": { items: [decided], next: null },
    [`POST moderation/cases/${decided.id}/appeal`]: appealed,
  };
  await journey(`the owner reads a decision and appeals in ${locale}`, { size: WINDOWS[0], locale, answers }, async (ada, page) => {
    await ada.go("/account/moderation");
    await ada.sees(words.title);
    await ada.sees("It shows a private house.");
    await ada.look("moderation");
    await page.getByLabel(words.field).fill("It is my own house.");
    await page.getByRole("button", { name: words.send }).click();
    await ada.sees(words.waits);
    await ada.sees("It is my own house.");
  });
}

const kind = (name, change = {}) => ({
  name, purpose: "An English purpose", personal: true, location: "account", retention: { rule: "account" }, export: "json", erasure: "account", fields: [{ path: "a", personal: true }], ...change,
});
const kinds = [
  kind("account"), kind("generations", { location: "files", retention: { rule: "plan" }, export: "files" }), kind("activity", { retention: { rule: "days", days: 90 } }),
  kind("idempotency", { location: "table", retention: { rule: "days", days: 1 }, export: "none", not_exported_because: "it is a copy", erasure: "expiry" }),
  kind("log", { personal: false, location: "logs", retention: { rule: "configured", default_days: 30, parameter: "LogRetentionDays" }, export: "none", erasure: "expiry" }),
];
const policy = { promises: [{ number: 1, quote: "Account information", implementation: "One account record", tests: ["p1_a_test"] }, { number: 2, quote: "Prompts", implementation: "Stored", tests: [] }] };
/** Words that only the English texts of the API and the client have. */
const ENGLISH = /\b(the|with|until|account|days?|kept|stored|deleted|English)\b/i;
await journey("German pages are German", { locale: "de-DE", answers: { "GET privacy/inventory": { kinds }, "GET privacy/policy": policy } }, async (ada, page) => {
  for (const path of ["/privacy/inventory", "/privacy/deletion", "/privacy/policy", "/account/plan", "/credits"]) {
    await ada.go(path);
    await page.locator("h1").waitFor();
    await page.locator(".card").first().waitFor();
    const seen = await page.locator("main").innerText();
    ensure(!ENGLISH.test(seen.replaceAll("auf Englisch", "")), `${path}: ${seen.match(ENGLISH)} in ${seen}`);
    await ada.look(`german${path.replaceAll("/", "-")}`);
  }
});

await journey("the policy is a page of the client", { signedIn: false, answers: { "GET privacy/policy": policy } }, async (ada, page) => {
  await ada.go("/");
  await page.getByRole("contentinfo").getByRole("link", { name: "Privacy policy" }).click();
  await ada.sees("1 of 2 promises are kept.", { exact: false });
  await ada.sees("Not kept yet");
  await page.locator(".header .logo").waitFor();
});

await journey("a seed that is none is told, and -1 is a random one", {}, async (ada, page) => {
  await compose(ada);
  await page.locator(".advanced summary").click();
  const [seed, generate] = [page.getByLabel("Seed"), page.locator(".submit-bar button[type=submit]")];
  await seed.fill("1e5");
  await ada.sees("Enter a whole number from 0 to 4,294,967,295.");
  ensure(await generate.isDisabled(), "it can be submitted");
  const sent = page.waitForRequest((request) => request.method() === "POST" && request.url().endsWith("/v1/generations"));
  await seed.fill("-1");
  await generate.click();
  ensure(!("seed" in (await sent).postDataJSON()), "-1 is sent as a seed");
});

const published = { id: generation().id, output: 1, kind: "image", prompt: PROMPT, published_at: at(60), file: generation().outputs[0].file };
await journey("a public image shows its prompt", { signedIn: false, answers: { "GET gallery": { items: [published], next: null } } }, async (ada, page) => {
  await ada.go("/gallery/public");
  await page.locator(".grid a").click();
  await page.locator(".viewer-details", { hasText: PROMPT }).waitFor();
});

const made = generation();
await journey("a viewer closes to where it was opened, and says that an image does not exist", {
  answers: { [`GET generations/${made.id}`]: made, [`GET generations/${made.id}/outputs/1/shares`]: { items: [] } },
}, async (ada, page) => {
  ada.jobs.push(made);
  await ada.go("/");
  await page.locator(".job a.frame").click();
  await page.locator(".viewer-frame").waitFor();
  await page.keyboard.press("Escape");
  await page.locator(".viewer").waitFor({ state: "detached" });
  ensure(new URL(page.url()).pathname === "/", "closing the viewer does not lead back");
  await ada.go(`/gallery/${made.id}?n=7`);
  await page.locator(".viewer", { hasText: "This is no longer available" }).waitFor();
});

const canceled = generation({ status: "canceled", outputs: [], credits: { reserved: 1, spent: 0, released: 1 } });
await journey("a canceled generation says so, and its prompt is deleted", {
  answers: { [`GET generations/${canceled.id}`]: canceled, [`DELETE generations/${canceled.id}`]: () => ({ status: 204, contentType: "text/plain" }) },
}, async (ada, page) => {
  ada.jobs.push(canceled);
  await ada.go(`/gallery/${canceled.id}`);
  await page.locator(".viewer", { hasText: "Canceled, credits refunded" }).waitFor();
  await ada.go("/");
  await Promise.all([
    page.waitForRequest((request) => request.method() === "DELETE"),
    page.locator(".job.canceled").getByRole("button", { name: "Delete" }).click(),
  ]);
  await page.locator(".job.canceled").waitFor({ state: "detached" });
});

const two = [generation(), generation()];
await journey("on a phone a swipe shows the next image, and a drag scrolls to the details", {
  size: [390, 844], answers: Object.fromEntries(two.map(({ id }) => [`GET generations/${id}/outputs/1/shares`, { items: [] }])),
}, async (ada, page) => {
  ada.jobs.push(...two);
  await ada.go("/gallery");
  await page.locator(".grid a").first().click();
  await page.locator(".viewer-frame img").waitFor();
  const box = await page.locator(".viewer-stage").boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const session = await ada.context.newCDPSession(page);
  const touch = (type, ...touchPoints) => session.send("Input.dispatchTouchEvent", { type, touchPoints });
  /** Moves a finger over the image by some steps of this length. */
  const drag = async (right, down) => {
    await touch("touchStart", { x, y });
    for (let step = 1; step <= 6; step++) await touch("touchMove", { x: x + right * step, y: y + down * step });
    await touch("touchEnd");
  };
  await drag(-20, 0);
  await page.waitForFunction(() => document.querySelector(".viewer-count").textContent.startsWith("2"));
  await drag(0, -30);
  await page.waitForFunction(() => document.querySelector(".viewer").scrollTop > 100);
});

await journey("a reloaded confirmation asks for the address", { signedIn: false }, async (ada, page) => {
  await ada.go("/confirm");
  await ada.sees("Enter your email address and the code that we sent to it.");
  await page.getByLabel("Email address").waitFor();
});

await journey("who is signed in gets no form to sign up or in", {}, async (ada, page) => {
  for (const path of ["/sign-up", "/sign-in", "/confirm"]) {
    await ada.go(path);
    await page.getByLabel("Prompt", { exact: true }).waitFor();
    ensure(new URL(page.url()).pathname === "/", `${path} is shown`);
  }
});

await close();
