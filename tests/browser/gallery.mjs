/**
 * A gallery of five thousand images: only tiles near the window are rendered, the layout does not shift, and the last tile is
 * reached. The pages of the API are mocked.
 *
 * `node gallery.mjs DEVICE SCHEME`
 */
import { readFile } from "node:fs/promises";

import { MEDIA_URL, Visitor, close, ensure } from "./browser.mjs";

const [device, scheme] = process.argv.slice(2);
const PASSWORD = "a-darkroom-for-everyone";
const PICTURES = 5_000;
/** The most tiles that may be rendered at once. */
const TILES = 160;
const SHAPES = [[1024, 1024], [640, 360], [360, 640], [1280, 720]];
/** The processor time that a frame may take, in milliseconds, for 60 frames per second. */
const FRAME_MS = 16;
/** The timeout of scrolling to the last tile, in milliseconds. */
const TIMEOUT_MS = 300_000;
const THUMBHASH = "3OcRJYB4d3h/iIeHeEh3eIhw+j3A";
const BYTES = await readFile(new URL("../../infra/pictures/cabin.png", import.meta.url));

const ada = await Visitor.arrive({ device, scheme });
ada.name = `many-${ada.name}`;
const { page } = ada;
await ada.join(`many-${crypto.randomUUID()}@example.com`, PASSWORD);

/** The ids of the favorites. */
const favorites = new Set();

function picture(number) {
  const [width, height] = SHAPES[number % SHAPES.length];
  const id = `0198f0c0-0000-7000-8000-${String(number).padStart(12, "0")}`;
  const at = new Date(Date.UTC(2026, 0, 1) - number * 60_000).toISOString();
  const url = `${MEDIA_URL}/made-up/${number}.png`;
  return {
    id, kind: "image", status: "succeeded", created_at: at, ended_at: at,
    settings: { model: "sketch-image", prompt: `Picture ${number}`, width, height, count: 1 },
    credits: { reserved: 1, spent: 1, released: 0 },
    outputs: [{
      number: 1, visibility: number % 7 ? "private" : "public", show_prompt: false, favorite: favorites.has(id),
      file: { url, thumbnail_url: url, content_type: "image/png", bytes: BYTES.length, width, height, thumbhash: THUMBHASH },
    }],
  };
}

const numberOf = (id) => Number(id.slice(-12));

let asked = 0;
await page.route("**/v1/generations?*", async (route) => {
  const query = new URL(route.request().url()).searchParams;
  if (query.get("favorite") === "true") return route.fulfill({ json: { items: [...favorites].map(numberOf).map(picture) } });
  const first = Number(query.get("cursor") ?? 0);
  const end = Math.min(first + Number(query.get("limit")), PICTURES);
  asked++;
  const items = Array.from({ length: end - first }, (_, index) => picture(first + index));
  await route.fulfill({ json: { items, next: end < PICTURES ? String(end) : null } });
});
await page.route("**/v1/generations/*/outputs/*/shares", (route) => route.fulfill({ json: { items: [] } }));
// Delayed, as over a real connection: tiles must have their size before.
await page.route(`${MEDIA_URL}/made-up/*`, async (route) => {
  await new Promise((resolve) => setTimeout(resolve, 60));
  await route.fulfill({ contentType: "image/png", body: BYTES, headers: { "access-control-allow-origin": "*" } });
});

const session = await ada.context.newCDPSession(page);
// Processor time instead of wall clock time, as other tests keep the machine busy. Painting is left out: a graphics card does
// it where there is one.
await session.send("Performance.enable", { timeDomain: "threadTicks" });
/** Returns the processor time of script, style and layout so far, in milliseconds. */
async function busyMs() {
  const { metrics } = await session.send("Performance.getMetrics");
  const parts = metrics.filter(({ name }) => ["ScriptDuration", "RecalcStyleDuration", "LayoutDuration"].includes(name));
  return 1000 * parts.reduce((sum, { value }) => sum + value, 0);
}

await ada.journey("five thousand images", async () => {
  await ada.go("/gallery");
  await page.locator(".grid .thumbnail.loaded").nth(4).waitFor();
  await ada.look("first");
  await ada.settle();
  const before = await busyMs();
  const walk = await page.evaluate(async (patience) => {
    let frames = 0;
    let most = 0;
    for (const end = performance.now() + patience; performance.now() < end; ) {
      const before = scrollY;
      scrollBy(0, innerHeight * 0.4);
      await new Promise(requestAnimationFrame);
      frames++;
      most = Math.max(most, document.querySelectorAll(".grid li").length);
      if (scrollY !== before) continue;
      const ended = document.querySelector(".grid:not(.loading-more)");
      if (ended) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return { most, frames };
  }, TIMEOUT_MS);
  ensure(walk.most <= TILES, `${walk.most} tiles exist at once`);
  const each = ((await busyMs()) - before) / walk.frames;
  ensure(each < FRAME_MS, `a frame takes ${each.toFixed(1)} ms, of ${walk.frames}`);
  await page.locator(`.grid li[aria-posinset="${PICTURES}"]`).waitFor();
  await page.locator(".grid .thumbnail.loaded").first().waitFor();
  await ada.still("five thousand images");
  await ada.look("last");
  ensure(asked < PICTURES / 40, `${asked} pages were asked for`);
});

await ada.journey("the viewer moves along the list", async () => {
  await page.locator(".grid a").first().click();
  await page.locator(".viewer-frame").waitFor();
  const count = await page.locator(".viewer-count").textContent();
  await page.keyboard.press("ArrowRight");
  await page.waitForFunction((before) => document.querySelector(".viewer-count").textContent !== before, count);
  await page.keyboard.press("Escape");
  await page.locator(".viewer").waitFor({ state: "detached" });
});

await ada.journey("the list keeps its scroll position", async () => {
  await page.evaluate(() => scrollTo(0, 4 * innerHeight));
  const inSight = await page.waitForFunction(() => {
    const whole = ({ top, bottom }) => top > 100 && bottom < innerHeight - 100;
    return [...document.querySelectorAll(".grid a:has(.loaded)")].find((link) => whole(link.getBoundingClientRect()))?.dataset.tile;
  });
  const tile = await inSight.jsonValue();
  const before = await page.evaluate(() => scrollY);
  await page.locator(`[data-tile="${tile}"]`).click();
  await page.locator(".viewer-frame").waitFor();
  await page.keyboard.press("Escape");
  await page.locator(".viewer").waitFor({ state: "detached" });
  ensure((await page.evaluate(() => scrollY)) === before, "the list has scrolled under the viewer");
});

await ada.journey("favorites are marked with the mouse and the keyboard, and listed", async () => {
  await page.route("**/v1/generations/*/outputs/*/favorite", async (route) => {
    const [id] = new URL(route.request().url()).pathname.split("/").slice(3);
    favorites[route.request().postDataJSON().favorite ? "add" : "delete"](id);
    await route.fulfill({ json: picture(numberOf(id)) });
  });
  await ada.go("/gallery");
  await page.locator(".grid .thumbnail.loaded").nth(4).waitFor();
  const tile = page.locator(".grid li").first();
  const marked = { name: "Favorite", exact: true, pressed: true };
  await tile.hover();
  await tile.getByRole("button", { ...marked, pressed: false }).click();
  await tile.getByRole("button", marked).waitFor();
  await tile.locator("a").click();
  await page.locator(".viewer-bar").getByRole("button", marked).waitFor();
  await page.keyboard.press("ArrowRight");
  await page.locator(".viewer-bar").getByRole("button", { ...marked, pressed: false }).waitFor();
  await page.keyboard.press("f");
  await page.locator(".viewer-bar").getByRole("button", marked).waitFor();
  await page.keyboard.press("Escape");
  await page.locator(".viewer").waitFor({ state: "detached" });
  await page.getByLabel("Favorites", { exact: true }).check();
  await page.waitForFunction(() => document.querySelectorAll(".grid li").length === 2);
  ensure(new URL(page.url()).search === "?favorites=true", "the filter is not in the address");
  await ada.look("favorites");
  await tile.getByRole("button", marked).focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll(".grid li").length === 1);
  await tile.getByRole("button", marked).focus();
  await page.keyboard.press("Enter");
  await ada.sees("No favorites yet");
  ensure(favorites.size === 0, "a mark is left");
});

await ada.journey("undo restores one of two, and a failed deletion restores its tile", async () => {
  const keys = [];
  const refused = { status: 409, contentType: "application/problem+json", body: JSON.stringify({ type: "urn:darkroom:problem:conflict", title: "no", status: 409 }) };
  await page.route("**/v1/generations/*/outputs/*", async (route) => {
    if (route.request().method() !== "DELETE") return route.fallback();
    // The request is sent when the time to undo is over.
    await route.fulfill(route.request().url().endsWith(keys[2].replace(":", "/outputs/")) ? refused : { status: 204 });
  });
  await ada.go("/gallery");
  const there = (key) => page.locator(`.grid [data-tile="${key}"]`);
  const remove = async (key) => {
    await there(key).click();
    await page.locator(".viewer-frame").waitFor();
    await page.keyboard.press("Delete");
    await there(key).waitFor({ state: "detached" });
  };
  await page.locator(".grid .thumbnail.loaded").nth(4).waitFor();
  for (const link of await page.locator(".grid a").all()) keys.push(await link.getAttribute("data-tile"));
  const [first, second, third] = keys;
  await remove(first);
  await remove(second);
  await ada.press("Undo");
  await there(first).waitFor();
  ensure((await there(second).count()) === 0, "undoing one deletion has undone the other");
  await ada.expecting([409], async () => {
    await remove(third);
    await ada.sees("This isn't possible right now. Reload the page and try again.");
    await there(third).waitFor();
  });
});

await ada.leave();
await close();
