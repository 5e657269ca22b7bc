/**
 * What the client shows and keeps in unusual states: no connection, a slow one, server errors, an expired session, a failed
 * or canceled generation; and the client with the keyboard alone, and from right to left.
 *
 * `node states.mjs DEVICE SCHEME`
 */
import { Visitor, close, ensure } from "./browser.mjs";

const [device, scheme] = process.argv.slice(2);
const PASSWORD = "a darkroom for everyone";
const PROMPT = "A kite over the dunes";

const email = `states-${crypto.randomUUID()}@example.com`;
const ada = await Visitor.arrive({ device, scheme });
ada.name = `states-${ada.name}`;
const { page, context } = ada;
const journey = (name, act) => ada.journey(name, act);
const typed = async () => ensure((await page.getByLabel("Prompt", { exact: true }).inputValue()) === PROMPT, "the prompt is lost");
const submits = (route) => route.request().method() === "POST";
const problem = (status, slug, more = {}) => ({
  status,
  contentType: "application/problem+json",
  headers: more.retry_after === undefined ? {} : { "retry-after": String(more.retry_after) },
  body: JSON.stringify({ type: `urn:darkroom:problem:${slug}`, title: slug, status, request_id: "r-1", ...more }),
});
/** Answers the next submits with these responses, and passes on later ones. Returns their idempotency keys. */
async function answering(...answers) {
  const keys = [];
  await page.route("**/v1/generations", async (route) => {
    if (!submits(route)) return route.fallback();
    keys.push(route.request().headers()["idempotency-key"]);
    const answer = answers.shift();
    if (answer) await route.fulfill(answer);
    else await route.continue();
  });
  return keys;
}

await journey("the keyboard alone", async () => {
  await ada.go("/");
  await ada.sees("Create images and video, privately");
  await page.keyboard.press("Tab");
  await page.locator(".skip-link:focus").waitFor();
  await page.keyboard.press("Enter");
  ensure(await page.evaluate(() => document.activeElement?.id === "main"), "the skip link does not reach the content");
  await ada.join(email, PASSWORD);
  await page.getByLabel("Model").selectOption("sketch-image");
  await page.getByLabel("Prompt", { exact: true }).focus();
  await page.keyboard.type(PROMPT);
  const orders = [];
  page.on("request", (request) => request.method() === "POST" && request.url().endsWith("/v1/generations") && orders.push(request));
  await page.locator(".submit-bar button[type=submit]:enabled").waitFor();
  await page.keyboard.down("Control");
  await page.keyboard.down("Enter");
  await ada.sees("Generation started");
  await page.locator(".submit-bar button[type=submit]:enabled").waitFor();
  await page.keyboard.down("Enter");
  await page.keyboard.up("Enter");
  await page.keyboard.up("Control");
  await page.locator(".thumbnail.loaded").first().waitFor();
  ensure(orders.length === 1, `held down, the shortcut has submitted ${orders.length} times`);
  await page.getByRole("link", { name: "Gallery", exact: true }).focus();
  await page.keyboard.press("Enter");
  await page.locator(".grid .thumbnail.loaded").first().waitFor();
  ensure(await page.evaluate(() => document.activeElement?.id === "main"), "the focus does not move to the new page");
  await page.locator(".grid a").first().focus();
  await page.keyboard.press("Enter");
  await page.locator(".viewer-frame").waitFor();
  await page.keyboard.press("Escape");
  await page.locator(".viewer").waitFor({ state: "detached" });
  await page.waitForFunction(() => document.activeElement?.matches(".grid a"));
  await ada.go("/");
});

await journey("offline", async () => {
  await page.locator(".submit-bar button[type=submit]:enabled").waitFor();
  await context.setOffline(true);
  await ada.expecting(["ERR_INTERNET_DISCONNECTED"], async () => {
    await page.locator(".submit-bar button[type=submit]").click();
    await ada.sees("You're offline.");
    await page.locator(".connection-banner").waitFor();
    await ada.look("offline");
    await typed();
  });
  await context.setOffline(false);
  await page.locator(".connection-banner").waitFor({ state: "detached" });
  await page.locator(".submit-bar button[type=submit]:enabled").click();
  await ada.sees("Generation started");
});

await journey("a list reloads when the connection is back", async () => {
  await ada.go("/gallery");
  await page.locator(".grid .thumbnail.loaded").first().waitFor();
  let asked = 0;
  const count = () => asked++;
  await context.setOffline(true);
  await ada.expecting(["ERR_INTERNET_DISCONNECTED"], async () => {
    await page.getByLabel("Search prompts").fill("kite");
    await page.locator(".notice.error").waitFor();
    page.on("request", count);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    page.off("request", count);
    ensure(asked < 5, `${asked} requests in two seconds without a connection`);
    await context.setOffline(false);
    await page.locator(".notice.error").waitFor({ state: "detached" });
    await page.locator(".grid .thumbnail.loaded").first().waitFor();
  });
  await ada.go("/");
});

await journey("server errors", async () => {
  const keys = await answering(problem(503, "unavailable"), problem(503, "unavailable"), problem(500, "internal"));
  await ada.expecting([503, 500], async () => {
    await page.locator(".submit-bar button[type=submit]:enabled").click();
    await ada.sees("Something went wrong on our end.");
    await ada.sees("If you contact support, mention r-1.");
    await ada.look("server-error");
    await typed();
  });
  const made = page.waitForResponse((answer) => answer.request().method() === "POST" && answer.status() === 202);
  await page.locator(".submit-bar button[type=submit]:enabled").click();
  await made;
  ensure(keys.length === 4 && new Set(keys).size === 1, `a second press could submit twice: ${keys}`);
  await page.unroute("**/v1/generations");
});

await journey("too many requests", async () => {
  await answering(problem(429, "rate-limited", { retry_after: 30 }));
  await ada.expecting([429], async () => {
    await page.locator(".submit-bar button[type=submit]:enabled").click();
    await ada.sees("Too many requests. Try again in 30 seconds.");
  });
  await typed();
  await page.unroute("**/v1/generations");
});

await journey("a slow connection", async () => {
  await page.route("**/v1/account/statement*", async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 6_500));
    await route.continue();
  });
  await ada.go("/credits/transactions");
  await page.locator(".connection-banner.slow").waitFor();
  await ada.sees("Closing balance");
  await page.locator(".connection-banner.slow").waitFor({ state: "detached" });
  await page.unroute("**/v1/account/statement*");
  await ada.go("/");
  await typed();
});

await journey("reloads during the start", async () => {
  // The page reloads itself: the browser's own command fails while the page before it is still being replaced.
  for (let times = 0; times < 4; times++) {
    await Promise.all([page.waitForEvent("framenavigated"), page.evaluate(() => { setTimeout(() => location.reload()); })]);
  }
  await page.getByLabel("Prompt", { exact: true }).waitFor();
  await typed();
});

await journey("an expired session", async () => {
  await page.locator(".submit-bar button[type=submit]:enabled").waitFor();
  await context.clearCookies();
  await answering({ status: 401, contentType: "application/json", body: "{}" });
  await ada.expecting([401, 404], async () => {
    await page.locator(".submit-bar button[type=submit]:enabled").click();
    await ada.sees("Your session has expired");
    await ada.look("session-ended");
    await typed();
    await ada.type(email, PASSWORD);
    await page.getByRole("dialog").getByRole("button", { name: "Sign in" }).click();
    await ada.sees("Generation started");
  });
  await page.unroute("**/v1/generations");
});

await journey("no response at the start", async () => {
  await page.route("**/v1/session/refresh", (route) => route.fulfill(problem(503, "unavailable")));
  await ada.expecting([503], async () => {
    await page.reload();
    await ada.sees("The service isn't responding. Try again in a moment.");
  });
  await page.unroute("**/v1/session/refresh");
  await ada.press("Try again");
  await typed();
});

await journey("a failed generation says why, and that its credits are refunded", async () => {
  await page.route("**/v1/generations?*", async (route) => {
    const answer = await route.fetch();
    const listed = await answer.json();
    Object.assign(listed.items[0], { status: "failed", outputs: [], failure: { code: "provider_unavailable" } });
    await route.fulfill({ response: answer, json: listed });
  });
  await page.reload();
  await ada.sees("The AI provider isn't available right now.");
  await ada.sees("Failed, credits refunded");
  await ada.look("failed");
  await page.unroute("**/v1/generations?*");
  await page.locator(".job.failed").getByRole("button", { name: "Retry" }).click();
  await ada.sees("Generation started");
});

await journey("a canceled generation", async () => {
  await page.locator(".generating").first().waitFor();
  await page.locator(".generating").waitFor({ state: "detached" });
  await page.getByRole("radio", { name: "Video" }).check();
  await page.getByLabel("Model").selectOption("sketch-video");
  await page.getByRole("radio", { name: "8 seconds" }).check();
  await page.locator(".submit-bar button[type=submit]:enabled").click();
  await page.getByRole("button", { name: "Cancel" }).click();
  await ada.sees("Canceled, credits refunded");
  await ada.go("/credits/transactions");
  // The newest generation is the last one.
  await page.locator("td a[href^='/gallery/']").last().click();
  await page.locator(".viewer").getByText("Canceled, credits refunded").waitFor();
  await page.keyboard.press("Escape");
  await page.locator(".viewer").waitFor({ state: "detached" });
  ensure(new URL(page.url()).pathname === "/credits/transactions", "closing the viewer does not lead back");
  await ada.go("/");
  const canceled = page.locator(".job.canceled");
  await canceled.first().waitFor();
  const before = await canceled.count();
  await canceled.first().getByRole("button", { name: "Delete" }).click();
  await ada.sees("Prompt deleted");
  ensure((await canceled.count()) === before - 1, "the canceled prompt is still listed");
  const deleted = page.waitForResponse((response) => response.request().method() === "DELETE");
  ensure((await deleted).status() === 204, "the canceled prompt is not deleted");
});

await journey("no price", async () => {
  await page.route("**/v1/generations/quote", (route) => route.fulfill(problem(503, "unavailable")));
  await ada.expecting([503], async () => {
    await page.getByRole("radio", { name: "Image", exact: true }).check();
    await page.getByLabel("Model").selectOption("sketch-image");
    await page.locator(".composer").getByRole("button", { name: "Try again" }).waitFor();
    ensure(await page.locator(".submit-bar button[type=submit]").isDisabled(), "a generation without a price can be submitted");
  });
  await page.unroute("**/v1/generations/quote");
  await page.locator(".composer").getByRole("button", { name: "Try again" }).click();
  await page.locator(".submit-bar button[type=submit]:enabled").waitFor();
});

await journey("files that were deleted", async () => {
  const files = /\/accounts\/[^?]+\/generations\//;
  await page.route(files, (route) => route.fulfill({ status: 404 }));
  // Every response has other links, as links signed at another second have.
  let links = 0;
  await page.route("**/v1/generations?*", async (route) => {
    const answer = await route.fetch();
    const listed = await answer.json();
    for (const { outputs } of listed.items) for (const { file } of outputs) {
      links++;
      file.url += `&link=${links}`;
      if (file.thumbnail_url) file.thumbnail_url += `&link=${links}`;
    }
    await route.fulfill({ response: answer, json: listed });
  });
  // The list is requested once more for new links, and not again and again.
  await ada.expecting([404], async () => {
    await page.reload({ waitUntil: "networkidle" });
    await page.goto(await page.locator(".job a.frame").first().getAttribute("href").then((path) => new URL(path, page.url()).href), { waitUntil: "networkidle" });
  });
  await page.unroute("**/v1/generations?*");
  await page.unroute(files);
  await ada.go("/");
});

await journey("a file that is not an image", async () => {
  await page.setInputFiles("input[type=file]", { name: "note.txt", mimeType: "text/plain", buffer: Buffer.from("no picture") });
  await page.locator(".drop-zone .field-error").waitFor();
  await page.setInputFiles("input[type=file]", { name: "broken.png", mimeType: "image/png", buffer: Buffer.from("no picture") });
  await page.locator(".drop-zone .field-error").waitFor();
});

await journey("the access log and replies of staff", async () => {
  const [id, at] = [crypto.randomUUID(), new Date().toISOString()];
  const line = (act) => ({ id: crypto.randomUUID(), staff: "staff-1", at, action: act });
  const items = [
    line({ kind: "replied", access: id, ticket: id }),
    line({ kind: "read", access: id, resource: "payments" }),
    line({ kind: "read", access: id, resource: { generation: id } }),
    { ...line({ kind: "disclosed", disclosure: id, reference: "T-2", reason: "A court asks", kinds: ["payments"] }), undisclosed_until: at },
    line({ kind: "opened", reference: "T-1", reason: "They asked for help", until: at }),
  ];
  await page.route("**/v1/account/access-log*", (route) => route.fulfill({ json: { items } }));
  await ada.go("/privacy/access");
  for (const words of ["They asked for help", "one of your generations", "your payments", "Replied to your support ticket", "The law prohibited telling you"]) await ada.sees(words);
  await ada.look("looked-at");
  await page.unroute("**/v1/account/access-log*");
  const messages = [{ from: "account", text: "Where is my picture?", at }, { from: "staff", text: "<b>Here</b> it is.", at: new Date(Date.now() + 1_000).toISOString() }];
  const ticket = { id, subject: "A picture", status: "answered", about: { kind: "generation", id }, messages, created_at: at, updated_at: at, expires_at: at };
  await page.route("**/v1/support/tickets*", (route) => route.fulfill({ json: { items: [ticket] } }));
  await ada.go("/support");
  await ada.sees("<b>Here</b> it is.");
  await ada.look("answered");
  await page.unroute("**/v1/support/tickets*");
});

await journey("right to left", async () => {
  for (const path of ["/", "/gallery", "/credits/transactions", "/privacy/inventory"]) {
    await ada.go(path);
    await page.locator("h1").first().waitFor();
    await page.evaluate(() => { document.documentElement.dir = "rtl"; });
    await ada.look(`rtl${path.replaceAll("/", "-")}`);
  }
});

await journey("another account signs in over an expired session", async () => {
  const other = `other-${crypto.randomUUID()}@example.com`;
  const bob = await Visitor.arrive({ device, scheme });
  await bob.join(other, PASSWORD);
  await bob.leave();
  await ada.go("/");
  await page.getByLabel("Prompt", { exact: true }).fill(PROMPT);
  await page.locator(".submit-bar button[type=submit]:enabled").waitFor();
  await context.clearCookies();
  const orders = await answering({ status: 401, contentType: "application/json", body: "{}" });
  await ada.expecting([401, 404], async () => {
    await page.locator(".submit-bar button[type=submit]:enabled").click();
    await ada.sees("Your session has expired");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    const before = orders.length;
    await ada.type(other, PASSWORD);
    await page.getByRole("dialog").getByRole("button", { name: "Sign in" }).click();
    await page.waitForFunction(() => document.querySelector(".composer textarea")?.value === "");
    ensure(orders.length === before, "the draft of one account is submitted by another");
  });
  await ada.go("/account");
  await ada.sees(other);
});

await ada.leave();
await close();
