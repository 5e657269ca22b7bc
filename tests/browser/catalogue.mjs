/**
 * Prices in the console, by keyboard: an administrator adds a model, changes its price, is told of a price below the cost, retires
 * it, and goes back to the version before. A person's next quote has the new price, and the retired model leaves the studio.
 *
 * `node catalogue.mjs DEVICE SCHEME`
 */
import { Visitor, close, ensure, member } from "./browser.mjs";

const [device, scheme] = process.argv.slice(2);
/** A model that only this walk uses. */
const MODEL = `sketch-${crypto.randomUUID().slice(0, 8)}`;
/** How long a version takes to be everywhere, in milliseconds; with a reserve, as other tests keep the machine busy. */
const EVERYWHERE_MS = 120_000;
/** What no price of the walk covers, in millionths of a US dollar. */
const HIGH_COST = 500_000;

const ada = await Visitor.arrive({ device, scheme });
await ada.join(`ada-${crypto.randomUUID()}@example.com`, "a-darkroom-for-everyone");
const grace = await member("administrator", { device, scheme });
const { page } = grace;

/** Opens the studio until the model has this price there, or is not listed if the price is undefined. */
async function inStudio(price) {
  const started = Date.now();
  let last;
  // Chromium tells no body of a request that the client cloned, so a quote is known by its price, which no other model has.
  const isQuote = async (answer) => {
    if (!answer.url().endsWith("/v1/generations/quote") || answer.status() !== 200) return false;
    last = (await answer.json()).credits;
    return last === price;
  };
  // A process with an older version does not know the model.
  await ada.expecting([400], async () => {
    for (;;) {
      // Either the choice below asks for it, or the draft, which remembers the model.
      const answer = ada.page.waitForResponse(isQuote, { timeout: 8_000 }).catch(() => undefined);
      await ada.go("/");
      const select = ada.page.getByLabel("Model");
      await select.waitFor();
      const isListed = (await select.locator(`option[value="${MODEL}"]`).count()) > 0;
      if (!isListed && price === undefined) return;
      if (isListed && price !== undefined) {
        await select.selectOption(MODEL);
        if (await answer) return;
      }
      ensure(Date.now() - started < EVERYWHERE_MS, `the studio ${isListed ? "has" : "lacks"} ${MODEL}, without the price ${price}: ${last}`);
      await ada.page.waitForTimeout(2_000);
    }
  });
}

/** Presses the button of this name with the keyboard. */
const press = (name) => page.getByRole("button", { name, exact: true }).press("Enter");
const fields = () => page.getByRole("group", { name: `Model ${MODEL}` });
const reason = () => page.getByLabel("Reason for the publication");

/** Opens the form with what is published. */
async function open() {
  await grace.go("/staff/catalogue");
  await page.getByRole("group", { name: "Package starter" }).waitFor();
}

/** Changes the document as text, and applies it to the form. */
async function edit(change) {
  const area = page.getByLabel("Document as JSON");
  if (!(await area.isVisible())) await page.getByText("The whole document").press("Enter");
  const document = JSON.parse(await area.inputValue());
  change(document);
  await area.fill(JSON.stringify(document, null, 2));
  await press("Apply to the form");
}

/** Publishes what the form has, and returns the number of the version. */
async function publish(why) {
  await reason().fill(why);
  const published = page.waitForResponse((answer) => answer.url().endsWith("/v1/staff/catalogue/versions") && answer.status() === 201);
  await press("Publish");
  const { number } = await (await published).json();
  await grace.sees(`Version ${number} is published.`);
  return number;
}

/** Checks what differs from the published version, field by field. */
async function differs(...expected) {
  const shown = page.locator("section.card", { hasText: "Reason for the publication" }).locator(".log-entry");
  await shown.first().waitFor();
  const found = (await shown.allInnerTexts()).map((text) => text.replace(/\s+/g, " ").trim());
  ensure(String(found) === String(expected), `the changes are ${found.join(" | ")}`);
}

/** The name of the button that loads the version that was published before the walk. */
let before;

await grace.journey("a model is added as text, and published", async () => {
  await open();
  const latest = await page.getByRole("button", { name: /^Load (version|the compiled default)/ }).first().textContent();
  before = latest.trim();
  await edit((document) => {
    const sketch = document.models.find(({ id }) => id === "sketch-image");
    const model = { ...structuredClone(sketch), id: MODEL, title: "Sketch of the console" };
    model.price.credits = 3;
    document.models.push(model);
  });
  await publish("a model for a walk");
  await inStudio(3);
});

await grace.journey("a changed price is in the next quote", async () => {
  await fields().getByLabel("Credits per output").fill("7");
  await press("Review the changes");
  ensure(await page.evaluate(() => document.activeElement.tagName === "H2"), "the changes have no focus");
  await differs(`models.${MODEL}.price.credits Before: 3 After: 7`);
  await grace.look("catalogue-changes");
  await publish("seven is fairer");
  await inStudio(7);
});

await grace.journey("a price below the cost needs a reason", async () => {
  await edit((document) => {
    document.models.find(({ id }) => id === MODEL).offers[0].cost.microusd = HIGH_COST;
  });
  await reason().fill("an offer");
  await grace.expecting([409], async () => {
    await press("Publish");
    await fields().locator(".field-error").waitFor();
  });
  const rule = await fields().locator(".field-error").innerText();
  ensure(rule.includes("at least the cost and"), `the field says ${rule}`);
  await grace.look("catalogue-low-price");
  await page.getByLabel("Why prices may be below the cost plus the margin").fill("an offer for a week");
  await publish("an offer");
  await page.locator(".log-entry", { hasText: "an offer for a week" }).waitFor();
});

await grace.journey("a document that breaks rules is refused with each of them", async () => {
  await edit((document) => {
    Object.assign(document.models.find(({ id }) => id === MODEL), { max_count: 0, title: " " });
  });
  await reason().fill("a mistake");
  await grace.expecting([400], async () => {
    await press("Publish");
    await fields().locator(".field-error").waitFor();
  });
  await page.locator("li.field-error", { hasText: "max_count" }).waitFor();
  await press("Discard the changes");
  await grace.sees("The form shows the published version.");
});

await grace.journey("a retired model leaves the studio", async () => {
  await fields().getByLabel("State").selectOption("retired");
  await fields().getByLabel("Retired from").fill("2026-01-01");
  await differs(`models.${MODEL}.state Before: active After: {"retired":"2026-01-01"}`);
  const number = await publish("nobody draws any more");
  await press(`What version ${number} changed`);
  await page.locator("section.card", { hasText: "Compiled default" }).getByText(`models.${MODEL}.state`).waitFor();
  await inStudio(undefined);
});

await grace.journey("an earlier version is published again", async () => {
  await press(before);
  await grace.sees("It is not published yet.");
  await grace.look("catalogue-loaded");
  ensure((await reason().inputValue()).startsWith("Back to"), "the reason does not say where it goes back to");
  await press("Publish");
  await page.locator(".notice.success", { hasText: "is published." }).waitFor();
  ensure((await fields().count()) === 0, "the model of the walk is still there");
});

await ada.leave();
await grace.leave();
await close();
