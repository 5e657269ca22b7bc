/**
 * Everything that a user does, from the landing page to the receipt of the deletion, in one browser.
 *
 * `node journeys.mjs DEVICE SCHEME`
 */
import { readFile } from "node:fs/promises";

import { Visitor, close, ensure, mailed, staff, totp } from "./browser.mjs";

const [device, scheme] = process.argv.slice(2);
const PASSWORD = "a-darkroom-for-everyone";
const NEXT_PASSWORD = "another-darkroom-for-everyone";
/** The code for a password reset that the local user pool always sends. */
const RESET_CODE = "654321";
const MARKUP = `"><img src=x onerror=alert(1)><script>alert(2)</script>`;
const PICTURE = await readFile(new URL("../../infra/pictures/lighthouse.png", import.meta.url));
/** The most bytes of compressed JavaScript that the first view of the studio may load. */
const BUDGET_BYTES = 60_000;
/** The timeout of background work, in milliseconds. */
const TIMEOUT_MS = 60_000;

let email = `browser-${crypto.randomUUID()}@example.com`;
const ada = await Visitor.arrive({ device, scheme });
const { page } = ada;

const journey = (name, act) => ada.journey(name, act);
/** Drops or pastes an image on the page; its file name says which. */
const give = (how) => page.evaluate(([how, bytes]) => {
  const given = new DataTransfer();
  given.items.add(new File([Uint8Array.from(bytes)], `${how}.png`, { type: "image/png" }));
  const more = { bubbles: true, cancelable: true };
  if (how === "paste") document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: given, ...more }));
  else document.querySelector(".composer textarea").dispatchEvent(new DragEvent("drop", { dataTransfer: given, ...more }));
}, [how, [...PICTURE]]);

await journey("a new user", async () => {
  await ada.go("/");
  await ada.sees("Create images and video, privately");
  const kept = () => localStorage.length + sessionStorage.length + document.cookie.length;
  ensure((await page.evaluate(kept)) === 0, "browser storage is not empty at first");
  await ada.look("welcome");
  await ada.join(email, PASSWORD);
  await ada.look("studio-empty");
});

await journey("the studio loads within its budget", async () => {
  const fresh = await ada.context.newPage();
  // All requests are done then.
  await fresh.goto(new URL("/", page.url()).href, { waitUntil: "networkidle" });
  await fresh.getByLabel("Prompt", { exact: true }).waitFor();
  await fresh.getByText("Nothing generated yet").waitFor();
  const sent = await fresh.evaluate(() => performance.getEntriesByType("resource").filter(({ name }) => name.endsWith(".js")).map(({ encodedBodySize }) => encodedBodySize));
  const sum = sent.reduce((sum, size) => sum + size, 0);
  ensure(sent.length > 2 && sum > 0 && sum <= BUDGET_BYTES, `the studio needs ${sum} bytes of JavaScript in ${sent.length} files`);
  await fresh.close();
});

await journey("an image and a video", async () => {
  await page.getByLabel("Model").selectOption("sketch-image");
  await page.getByLabel("Prompt", { exact: true }).fill(`A lighthouse ${MARKUP}`);
  await ada.sees("1 credit", { exact: true });
  await ada.press("Generate image");
  await page.locator(".frame.generating").waitFor();
  await ada.settle();
  await page.locator(".thumbnail.loaded").first().waitFor();
  await ada.still("the image loads");
  await page.getByRole("radio", { name: "Video" }).check();
  await page.getByLabel("Model").selectOption("sketch-video");
  await page.getByLabel("Prompt", { exact: true }).fill("Paper boats drifting down a street");
  await ada.press("Generate video");
  await page.locator(".video-badge").first().waitFor();
  await ada.look("studio");
});

await journey("a reference image, and reusing settings", async () => {
  await page.getByRole("radio", { name: "Image", exact: true }).check();
  await page.getByLabel("Model").selectOption("sketch-image");
  for (const how of ["drop", "paste"]) {
    await give(how);
    await ada.sees(`${how}.png is ready`);
    await page.locator(".drop-zone").getByRole("button", { name: "Remove" }).click();
  }
  await page.setInputFiles("input[type=file]", { name: `${MARKUP}.png`, mimeType: "image/png", buffer: PICTURE });
  await ada.sees(`${MARKUP}.png is ready`);
  await page.getByLabel("Prompt", { exact: true }).fill("The same, by night");
  await ada.press("Generate image");
  await page.locator(".job", { hasText: "The same, by night" }).locator(".thumbnail.loaded").waitFor();
  await page.locator(".job", { hasText: "Paper boats" }).getByRole("button", { name: "Reuse settings" }).click();
  ensure((await page.getByLabel("Prompt", { exact: true }).inputValue()) === "Paper boats drifting down a street", "the settings are not in the composer");
});

await journey("a reload keeps the draft", async () => {
  await page.reload();
  ensure((await page.getByLabel("Prompt", { exact: true }).inputValue()) === "Paper boats drifting down a street", "the draft is lost");
});

await journey("a blocked generation is refunded, and support replies about it", async () => {
  const left = () => page.locator(".credit-balance").textContent();
  const before = await left();
  await page.getByRole("radio", { name: "Image", exact: true }).check();
  await page.getByLabel("Model").selectOption("sketch-image");
  await page.getByLabel("Prompt", { exact: true }).fill("A vase [sketch:reject]");
  await ada.press("Generate image");
  const job = page.locator(".job.failed", { hasText: "[sketch:reject]" });
  await job.getByText("Blocked by the content filter").waitFor();
  await job.getByText("Failed, credits refunded").waitFor();
  await page.waitForFunction((before) => document.querySelector(".credit-balance").textContent === before, before);
  await job.getByRole("link", { name: "Get help with this" }).click();
  await ada.sees("About this generation");
  await page.getByLabel("Subject").fill("Why not?");
  await page.getByLabel("Message").fill("It is only a vase.");
  const opened = page.waitForResponse((answer) => answer.url().endsWith("/v1/support/tickets") && answer.request().method() === "POST");
  await ada.press("Send");
  const { id } = await (await opened).json();
  const thread = page.locator(".ticket", { hasText: "Why not?" });
  await thread.waitFor();
  const grace = `grace-${crypto.randomUUID()}@example.com`;
  const graceVisit = await Visitor.arrive({ device, scheme });
  await graceVisit.join(grace, PASSWORD);
  await graceVisit.leave();
  const ask = await staff(grace, PASSWORD);
  let account;
  for (let cursor = ""; account === undefined; ) {
    const { items, next } = await ask(`staff/reviews?limit=100${cursor}`);
    account = items.find((item) => item.id === id)?.account;
    ensure(account ?? next, "staff do not see the ticket");
    cursor = `&cursor=${next}`;
  }
  const access = await ask(`staff/accounts/${account}/accesses`, { reference: id, reason: "She asks", minutes: 5 });
  await ask(`staff/accounts/${account}/accesses/${access.id}/tickets/${id}/messages`, { text: "Try another word." });
  await page.evaluate(() => dispatchEvent(new Event("focus")));
  await thread.getByText("Try another word.").waitFor();
  await ada.go("/");
});

await journey("the gallery and the viewer", async () => {
  await ada.go("/gallery");
  await page.locator(".grid .thumbnail.loaded").nth(2).waitFor();
  await ada.look("gallery");
  await page.getByLabel("Search prompts").fill("lighthouse");
  await page.waitForFunction(() => document.querySelectorAll(".grid li").length === 1);
  await page.locator(".grid a").click();
  await ada.sees(MARKUP);
  await page.goBack();
  await page.locator(".viewer").waitFor({ state: "detached" });
  ensure((await page.getByLabel("Search prompts").inputValue()) === "lighthouse", "the filter is lost when the viewer closes");
  ensure(new URL(page.url()).search === "?search=lighthouse", "the filter is not in the address");
  await page.locator(".grid a").click();
  await ada.look("viewer");
  for (const [key, scale] of [["+", 1.4], ["0", 1]]) {
    await page.keyboard.press(key);
    await page.waitForFunction((scale) => document.querySelector(".viewer-frame").style.transform.includes(`scale(${scale})`), scale);
  }
  const here = page.url();
  await page.locator(".viewer-details").getByRole("button", { name: "Reuse settings" }).click();
  await page.getByLabel("Prompt", { exact: true }).waitFor();
  ensure((await page.getByLabel("Prompt", { exact: true }).inputValue()).startsWith("A lighthouse"), "the settings of the image are not in the composer");
  await page.goto(here);
  await page.locator(".viewer-frame").waitFor();
});

await journey("a video plays, and is shared with a link", async () => {
  await ada.go("/gallery");
  await page.getByRole("radio", { name: "Videos" }).check();
  await page.waitForFunction(() => document.querySelectorAll(".grid li").length === 1);
  await page.locator(".grid a:has(.video-badge)").click();
  await page.locator(".viewer-frame video").evaluate((video) => video.play());
  await page.waitForFunction(() => document.querySelector(".viewer-frame video").currentTime > 0);
  await ada.look("video");
  await ada.press("Create link");
  const field = page.getByLabel("Share links", { exact: true });
  const link = await field.inputValue();
  await page.evaluate(() => { navigator.clipboard.writeText = () => Promise.reject(new Error("forbidden")); });
  await ada.press("Copy");
  await ada.sees("Couldn't copy. The text is selected: copy it from there.");
  ensure((await page.evaluate(() => getSelection().toString())) === link, "a link that cannot be copied is not selected");
  await page.evaluate(() => { delete navigator.clipboard.writeText; });
  const bob = await Visitor.arrive({ device, scheme });
  await bob.page.goto(link);
  await bob.page.locator(".shared-media video").evaluate((video) => video.play());
  await bob.page.waitForFunction(() => document.querySelector(".shared-media video").currentTime > 0);
  await bob.leave();
  await page.keyboard.press("Escape");
  await page.getByRole("group", { name: "Type" }).getByRole("radio", { name: "All" }).check();
  await page.getByRole("radio", { name: "Link only" }).check();
  await page.waitForFunction(() => document.querySelectorAll(".grid li").length === 1);
  await page.locator(".grid a:has(.video-badge)").waitFor();
  await page.getByRole("group", { name: "Visibility" }).getByRole("radio", { name: "All" }).check();
  await page.getByRole("radio", { name: "Images" }).check();
  await page.getByLabel("Search prompts").fill("lighthouse");
  await page.waitForFunction(() => document.querySelectorAll(".grid li").length === 1);
  await page.locator(".grid a").click();
  await page.locator(".viewer-frame img").waitFor();
});

await journey("visibility and share links", async () => {
  await page.locator(".viewer-details").getByRole("radio", { name: /^Public/ }).check();
  await ada.sees("Public now");
  const bob = await Visitor.arrive({ device, scheme });
  const id = new URL(page.url()).pathname.split("/").at(-1);
  await bob.go("/gallery/public");
  await bob.page.locator(`.grid [data-tile^="${id}"] .thumbnail.loaded`).waitFor();
  await bob.look("public");
  await page.locator(".viewer-details").getByRole("radio", { name: /^Private/ }).check();
  await ada.sees("Private now");
  await bob.page.reload();
  await bob.page.locator(".grid, .empty").first().waitFor();
  ensure((await bob.page.locator(`.grid [data-tile^="${id}"]`).count()) === 0, "it is still public");
  await ada.press("Create link");
  const link = await page.getByLabel("Share links", { exact: true }).inputValue();
  await ada.press("Copy");
  ensure((await page.evaluate(() => navigator.clipboard.readText())) === link, "the link is not copied");
  await bob.page.goto(link);
  await bob.page.locator(".shared-media img").waitFor();
  await bob.look("shared");
  const head = await (await fetch(link)).text();
  ensure(head.includes(`og:image" content="${link}/card"`), "the link has no preview card");
  await ada.press("Revoke");
  await ada.sees("Link revoked");
  await bob.expecting([404], async () => {
    await bob.page.reload();
    await bob.sees("This link doesn't work anymore");
  });
  await bob.leave();
});

await journey("downloading", async () => {
  const download = page.waitForEvent("download");
  await ada.press("Download");
  ensure(/^darkroom-.+\.(png|jpeg|webp)$/.test((await download).suggestedFilename()), "the download has no file name");
});

await journey("deleting, with undo", async () => {
  await page.keyboard.press("Delete");
  await ada.press("Undo");
  await page.locator(".grid a").first().click();
  await page.locator(".viewer-frame").waitFor();
  await page.keyboard.press("Escape");
  await page.locator(".viewer").waitFor({ state: "detached" });
});

for (const [provider, pay] of [["Stripe", "Pay by card"], ["PayPal", "Pay with PayPal"]]) {
  await journey(`buying with ${provider}`, async () => {
    await ada.go("/credits");
    await page.getByRole("radio", { name: provider }).check();
    await ada.look("credits");
    await ada.press("Buy Starter");
    await page.getByRole("button", { name: pay, exact: true }).click();
    await page.waitForURL("**/credits/*");
    await ada.sees("200 credits added");
    await ada.look("paid");
  });
}

await journey("buying a gift, whose code is for another account", async () => {
  await ada.go("/credits");
  await page.getByRole("radio", { name: "PayPal" }).check();
  await page.getByRole("checkbox", { name: "Buy as a gift" }).check();
  await ada.look("credits-gift");
  await ada.press("Buy Starter");
  await page.getByRole("button", { name: "Pay with PayPal", exact: true }).click();
  await page.waitForURL("**/credits/*");
  await ada.sees("Your gift of 200 credits is ready");
  const code = await page.getByLabel("Gift code").inputValue();
  ensure(/^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/.test(code), `${code} is no gift code`);
  await ada.look("gift");
  await ada.go("/credits");
  await ada.expecting([409], async () => {
    await page.getByLabel("Promotion or gift code").fill(code.toLowerCase());
    await ada.press("Redeem");
    await ada.sees("You've redeemed this code before, or bought it as a gift.");
  });
});

await journey("usage, transactions and receipts", async () => {
  await ada.go("/credits/usage");
  await page.locator(`.usage-chart rect:not([height="0"])`).first().waitFor();
  await ada.look("usage");
  await ada.go("/credits/transactions");
  await ada.sees("Closing balance");
  await ada.look("transactions");
  await ada.go("/credits/receipts");
  await page.locator(".receipts a").nth(1).waitFor();
  await ada.look("receipts");
});

await journey("support", async () => {
  await page.locator(".receipts a").first().click();
  await page.locator(".receipt").getByRole("link", { name: "Get help with this payment" }).click();
  await ada.sees("About this payment");
  await page.getByLabel("Subject").fill(`Too dark ${MARKUP}`);
  await page.getByLabel("Message").fill("The lighthouse is hard to see.");
  await ada.press("Send");
  await page.locator("summary", { hasText: MARKUP }).click();
  await ada.look("support");
  await ada.press("Close ticket");
  await ada.sees("Closed", { exact: true });
});

await journey("the account", async () => {
  await ada.go("/account");
  await page.getByRole("radio", { name: scheme === "dark" ? "Dark" : "Light" }).check();
  await page.getByLabel("Language").selectOption("de");
  await page.getByRole("heading", { name: "Konto" }).waitFor();
  await ada.look("account-german");
  await page.reload();
  await page.getByLabel("Sprache").selectOption("en");
  for (const [path, heading] of [["/account/plan", "Plus plan"], ["/account/sessions", "Recent activity"]]) {
    await ada.go(path);
    await page.getByRole("heading", { name: heading }).waitFor();
    await ada.look(path.slice(1).replace("/", "-"));
  }
});

await journey("two-factor authentication", async () => {
  const card = page.locator(".card", { has: page.getByRole("heading", { name: "Two-factor authentication" }) });
  await card.getByRole("button", { name: "Set up authenticator app" }).click();
  const secret = await card.locator("dd code").textContent();
  await ada.look("account-second-factor");
  await card.getByLabel("Code from the app").fill(totp(secret));
  await ada.press("Confirm and turn on");
  await ada.sees("Save your recovery codes");
  const recovery = await card.locator("li code").first().textContent();
  await ada.look("account-recovery-codes");
  await ada.press("I've saved them");
  const signIn = async (code) => {
    await card.waitFor();
    await ada.press("Sign out");
    await ada.sees("Create images and video, privately");
    await ada.go("/sign-in");
    await ada.type(email, PASSWORD);
    await ada.expecting([401], async () => {
      await ada.press("Sign in");
      await page.getByLabel("Code", { exact: true }).fill(code);
    });
    await ada.look("sign-in-code");
    await ada.press("Sign in");
    await page.getByLabel("Prompt", { exact: true }).waitFor();
    await ada.go("/account/sessions");
  };
  // The code that turned it on works once, and the next one is accepted early.
  await signIn(totp(secret, 1));
  await signIn(recovery);
  await ada.sees("You have 9 recovery codes left.");
  await card.getByRole("button", { name: "Remove authenticator app" }).click();
  await card.getByRole("button", { name: "Set up authenticator app" }).waitFor();
});

await journey("a passkey", async () => {
  const card = page.locator(".card", { has: page.getByRole("heading", { name: "Two-factor authentication" }) });
  await ada.authenticator();
  await card.getByLabel("Name of the passkey").fill("Phone");
  await card.getByRole("button", { name: "Add passkey" }).click();
  await ada.sees("Save your recovery codes");
  await ada.press("I've saved them");
  await card.getByText("Never used").waitFor();
  await ada.look("account-passkey");
  await ada.press("Sign out");
  await ada.sees("Create images and video, privately");
  await ada.go("/sign-in");
  await ada.type(email, PASSWORD);
  await ada.expecting([401], async () => {
    await ada.press("Sign in");
    // The passkey answers by itself.
    await page.getByLabel("Prompt", { exact: true }).waitFor();
  });
  await ada.go("/account/sessions");
  await card.getByText("Last used").waitFor();
  await card.getByRole("button", { name: "Remove passkey Phone" }).click();
  await ada.sees("Ask for a passkey or a code");
});

await journey("the privacy pages", async () => {
  for (const [path, words] of [["/privacy", "What we collect"], ["/privacy/inventory", "About you"]]) {
    await ada.go(path);
    await page.getByRole("heading", { name: words, exact: true }).waitFor();
    await ada.look(path.slice(1).replace("/", "-"));
  }
  await page.getByRole("link", { name: "Access log" }).click();
  for (const words of ["She asks", "Replied to your support ticket"]) await ada.sees(words);
  await ada.look("privacy-access");
});

await journey("data export", async () => {
  await ada.go("/privacy/export");
  await ada.press("Export my data");
  await ada.sees("Ready", { exact: true });
  await ada.look("privacy-export");
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: /^Download/ }).click();
  ensure((await download).suggestedFilename().endsWith(".zip"), "the archive is no ZIP");
});

await journey("corrections", async () => {
  await ada.go("/privacy/corrections");
  await page.getByLabel("Name").fill(MARKUP);
  await ada.press("Save");
  await ada.sees("Saved");
  const next = `browser-${crypto.randomUUID()}@example.com`;
  await page.getByLabel("New address").fill(next);
  await ada.press("Send codes");
  // Both codes have been sent when the fields appear.
  await page.getByLabel("Code sent to your current address").waitFor();
  await page.getByLabel("Code sent to your current address").fill(await mailed(email));
  await page.getByLabel("Code sent to your new address").fill(await mailed(next));
  await ada.look("corrections");
  await ada.press("Change address");
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  email = next;
  await ada.type(email, PASSWORD);
  await ada.press("Sign in");
  await page.getByLabel("Prompt", { exact: true }).waitFor();
});

await journey("a password reset", async () => {
  await ada.press("Account", "link");
  await ada.press("Sign out");
  await ada.sees("Create images and video, privately");
  const left = await page.evaluate(() => Object.keys({ ...localStorage, ...sessionStorage }).sort());
  ensure(left.every((name) => ["language", "theme"].includes(name)), `browser storage still has ${left}`);
  await page.getByRole("link", { name: "Sign in" }).first().click();
  ensure((await page.getByLabel("Email address").inputValue()) === "", "the email address is still filled in");
  await page.getByRole("link", { name: "Forgot password?" }).click();
  await page.getByLabel("Email address").fill(email);
  await ada.press("Send code");
  await page.getByLabel("Code").fill(RESET_CODE);
  await page.getByLabel("New password").fill(NEXT_PASSWORD);
  await ada.look("reset");
  await ada.press("Set new password");
  await page.getByLabel("Prompt", { exact: true }).waitFor();
});

await journey("account deletion", async () => {
  await ada.go("/privacy/deletion");
  await page.getByLabel("Enter your email address to confirm").fill(email);
  await ada.look("deletion");
  // From then on the account can read its deletion only.
  await ada.expecting([401], async () => {
    await ada.press("Delete account");
    await ada.sees("Your account is being deleted");
  });
  await ada.look("deleted");
  // The receipt is written when the deletion starts; until then the page asks to try again.
  await ada.expecting([404], async () => {
    await page.getByRole("link", { name: "Open receipt" }).click();
    const receipt = page.locator("article.receipt");
    const again = page.getByRole("button", { name: "Try again" });
    for (const end = Date.now() + TIMEOUT_MS; !(await receipt.isVisible()); ) {
      ensure(Date.now() < end, "the receipt is not written");
      await receipt.or(again).first().waitFor();
      if (await again.isVisible()) await again.click();
    }
  });
  await ada.look("receipt");
});

await ada.leave();
await close();
