/**
 * Takes the screenshots of the README from a running stack: `studio.png`, `gallery.png` and `phone.png` in the folder
 * `SCREENS`. It creates an account with a few generations first.
 *
 * `BASE_URL=http://localhost:3000 MEDIA_URL=.. SCREENS=.. node screenshots.mjs`
 */
import { join } from "node:path";

import { SCREENS, Visitor, close } from "./browser.mjs";

const PASSWORD = "a-darkroom-for-everyone";
/** The generations from the oldest to the newest: prompt and size. */
const IMAGES = [
  ["A cabin in the snow at dusk, lamplight in one window", 0],
  ["Dunes under a red evening sky", 0],
  ["A forest of firs in the first snow", 0],
  ["A city at night after the rain, neon over the canal", 0],
  ["Mountains above a sea of clouds at sunrise", 0],
  ["A lighthouse in the fog at dawn, gulls over the pier", 1],
];
const VIDEO = "Paper boats drifting down a street after the rain";

const ada = await Visitor.arrive({ device: "desktop", scheme: "light" });
const { page } = ada;
await ada.join(`screenshots-${crypto.randomUUID()}@example.com`, PASSWORD);

/** Submits a prompt and waits for its thumbnail. */
async function generate(prompt, button) {
  await page.getByLabel("Prompt", { exact: true }).fill(prompt);
  await page.getByRole("button", { name: button, exact: true }).click();
  await page.locator(".job", { hasText: prompt }).locator(".thumbnail.loaded").first().waitFor();
}

/** Opens the details of a generation in the gallery, runs a step there, and closes them. */
async function inDetails(prompt, step) {
  await page.goto(new URL("/gallery", page.url()).href);
  await page.getByRole("img", { name: prompt }).click();
  await step(page.locator(".viewer-details"));
  await page.keyboard.press("Escape");
}

/** Takes a screenshot of a page in a color scheme. */
async function take(name, path, colorScheme, viewport = { width: 1360, height: 900 }) {
  await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
  await page.setViewportSize(viewport);
  await page.goto(new URL(path, page.url()).href);
  await page.locator(".thumbnail.loaded").nth(3).waitFor();
  await page.waitForLoadState("networkidle");
  await page.screenshot({ path: join(SCREENS, name) });
}

await page.getByLabel("Model").selectOption("sketch-image");
for (const [prompt, size] of IMAGES) {
  await page.getByRole("group", { name: "Size" }).getByRole("radio").nth(size).check();
  await generate(prompt, "Generate image");
}
await page.getByRole("radio", { name: "Video" }).check();
await page.getByRole("radio", { name: "4 seconds" }).check();
await generate(VIDEO, "Generate video");
await inDetails(IMAGES[5][0], async (details) => {
  await details.getByRole("radio", { name: /^Public/ }).check();
  await ada.sees("Public now");
});
await inDetails(IMAGES[3][0], async (details) => {
  await details.getByRole("button", { name: "Create link" }).click();
  await details.locator(".new-link").waitFor();
});

await take("studio.png", "/", "light");
await take("gallery.png", "/gallery", "dark");
await take("phone.png", "/gallery", "light", { width: 390, height: 844 });
await ada.leave();
await close();
