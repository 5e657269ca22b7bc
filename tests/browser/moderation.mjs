/**
 * From a report to the end of an appeal, each as the person who does it: a visitor reports a shared image, staff hide it, its owner
 * reads why and appeals, other staff decide, and the visitor sees it again. Then the gravest case, up to the documents for an
 * authority. Last, a visitor checks where a shared image comes from.
 *
 * `node moderation.mjs DEVICE SCHEME`
 */
import { BASE_URL, Visitor, close, ensure, member } from "./browser.mjs";

const [device, scheme] = process.argv.slice(2);
const PASSWORD = "a-darkroom-for-everyone";
const email = `ada-${crypto.randomUUID()}@example.com`;

const ada = await Visitor.arrive({ device, scheme });
const bob = await Visitor.arrive({ device, scheme });
const [grace, alan] = [await member("moderation", { device, scheme }), await member("moderation", { device, scheme })];
alan.name = `second-${alan.name}`;
bob.name = `moderation-${bob.name}`;
ada.name = `reported-${ada.name}`;

/** Calls the API as the owner. */
async function asOwner(path) {
  const body = JSON.stringify({ email, password: PASSWORD });
  const signedIn = await fetch(`${BASE_URL}/v1/session/sign-in`, { method: "POST", headers: { "content-type": "application/json" }, body });
  const { access_token } = await signedIn.json();
  return (await fetch(`${BASE_URL}/v1/${path}`, { headers: { authorization: `Bearer ${access_token}` } })).json();
}

/** Generates an image that nobody else has, and returns a link to it. */
async function shared(prompt) {
  const { page } = ada;
  await ada.go("/");
  await page.getByLabel("Model").selectOption("sketch-image");
  await page.getByLabel("Prompt", { exact: true }).fill(prompt);
  await ada.press("Generate image");
  const job = page.locator(".job", { hasText: prompt });
  await job.locator(".thumbnail.loaded").waitFor();
  await job.locator("a:has(.thumbnail)").first().click();
  await page.locator(".viewer-frame img").waitFor();
  await ada.press("Create link");
  return page.getByLabel("Share links", { exact: true }).inputValue();
}

/** Reports what a link shows. */
async function report(link, reason, words) {
  const { page } = bob;
  await page.goto(link);
  await page.locator(".shared-media img").waitFor();
  await page.getByRole("button", { name: "Report", exact: true }).press("Enter");
  const form = page.getByRole("dialog", { name: "Report this" });
  await form.getByLabel("Reason").selectOption(reason);
  await form.getByLabel("What is wrong with it?").fill(words);
  await form.getByLabel("Email address").fill(`bob-${crypto.randomUUID()}@example.com`);
  await form.getByLabel("I state in good faith").check();
  await form.getByRole("button", { name: "Send report" }).press("Enter");
  await bob.sees("A person decides by");
  await page.getByRole("dialog", { name: "Report sent" }).getByRole("button", { name: "Close" }).last().press("Enter");
}

/** Opens a case in the console, and returns its card. */
async function open(visitor, id) {
  const { page } = visitor;
  await visitor.go("/staff/cases");
  await page.getByLabel("Show", { exact: true }).selectOption("case");
  const card = page.locator(`[data-key="case ${id}"]`);
  for (;;) {
    await page.locator("[data-kind=case]").first().waitFor();
    if ((await card.count()) > 0) break;
    await page.getByRole("button", { name: "Load more" }).click();
  }
  await card.getByRole("button", { name: /^Open/ }).press("Enter");
  await card.getByRole("button", { name: "Show what was reported" }).press("Enter");
  await card.getByRole("group", { name: "Decision" }).or(card.getByText("The appeal")).first().waitFor();
  return card;
}

/** Decides a case. */
async function decide(visitor, id, action, words) {
  const card = await open(visitor, id);
  await card.getByRole("radio", { name: action }).check();
  await card.getByLabel("Explanation for the owner and the reporters").fill(words);
  await visitor.look("console-decision");
  await card.getByRole("button", { name: "Decide", exact: true }).press("Enter");
  await card.waitFor({ state: "detached" });
}

/** Sees that a link shows nothing. */
async function isHidden(link) {
  await bob.expecting([404], async () => {
    await bob.page.goto(link);
    await bob.sees("This link doesn't work anymore");
  });
}

await ada.join(email, PASSWORD);
const account = (await asOwner("account")).id;
let link;
let id;

await ada.journey("an image is shared", async () => {
  link = await shared("a house behind a hedge");
});

await bob.journey("it is reported", async () => {
  await report(link, "privacy", "It shows my house.");
  [{ id }] = (await asOwner("moderation/cases")).items;
});

await grace.journey("staff hide it, with their reasons", async () => {
  const card = await open(grace, id);
  await card.getByText("It shows my house.").waitFor();
  await card.getByText(account).waitFor();
  await decide(grace, id, "Only its owner sees it", "It shows a private house.");
  await isHidden(link);
});

await ada.journey("its owner reads why, and appeals", async () => {
  await ada.go("/account/moderation");
  await ada.sees("Only you can see it.");
  await ada.sees("It shows a private house.");
  await ada.sees("A staff member, not a machine");
  await ada.look("statement");
  await ada.page.getByLabel("Appeal: why is the decision wrong?").fill("It is my own house.");
  await ada.press("Send appeal");
  await ada.sees("Another staff member decides by");
});

await grace.journey("who decided does not decide the appeal", async () => {
  const card = await open(grace, id);
  await card.getByText("It is my own house.").waitFor();
  await card.getByLabel("Explanation for the owner and the reporters").fill("I was right.");
  await grace.expecting([409], async () => {
    await card.getByRole("button", { name: "The decision stands" }).press("Enter");
    await card.locator(".notice.error").waitFor();
  });
  await grace.look("console-appeal-refused");
});

await alan.journey("another reverses the decision", async () => {
  const card = await open(alan, id);
  await card.getByLabel("Explanation for the owner and the reporters").fill("The house is the owner's.");
  await alan.look("console-appeal");
  await card.getByRole("button", { name: "Reverse the decision" }).press("Enter");
  await card.waitFor({ state: "detached" });
  await ada.go("/account/moderation");
  await ada.sees("The decision was reversed.");
  await ada.sees("The house is the owner's.");
  await ada.look("appeal-decided");
  await bob.page.goto(link);
  await bob.page.locator(".shared-media img").waitFor();
});

await bob.journey("a visitor checks the shared image", async () => {
  const source = await bob.page.locator(".shared-media img").getAttribute("src");
  const buffer = Buffer.from(await (await fetch(source)).arrayBuffer());
  await bob.go("/check");
  await bob.page.setInputFiles("input[type=file]", { name: "shared", mimeType: "image/png", buffer });
  await bob.sees("Result for shared");
  await bob.sees("Signed by this service");
  await bob.look("checked");
});

let gravest;

await ada.journey("another image is shared", async () => {
  gravest = await shared(`a well ${crypto.randomUUID().slice(0, 8)}`);
});

await bob.journey("the gravest report hides at once, and another than who decided compiles the report to an authority", async () => {
  await report(gravest, "sexual_minors", "It shows a child.");
  await isHidden(gravest);
  const cases = (await asOwner("moderation/cases")).items;
  id = cases.find(({ reason }) => reason === "sexual_minors").id;
  await decide(grace, id, "Delete it", "It shows a child.");
  const compile = async (visitor) => {
    const { page } = visitor;
    await visitor.go("/staff/accounts");
    await page.getByLabel("Account id").fill(account);
    await visitor.press("Show");
    await page.getByLabel("Id of the case").fill(id);
    await page.getByLabel("Where NCMEC reaches you").fill("safety@example.com");
    await visitor.press("Compile the report");
  };
  await grace.expecting([409], async () => {
    await compile(grace);
    await grace.page.locator(".notice.error").waitFor();
  });
  await compile(alan);
  const saved = alan.page.waitForEvent("download");
  await alan.press("Save report.xml");
  const xml = Buffer.concat(await (await (await saved).createReadStream()).toArray()).toString();
  ensure(xml.startsWith("<?xml") && xml.includes(email) && !xml.includes("a well"), `the report is ${xml}`);
  await alan.page.getByRole("button", { name: "Save file-details.xml" }).waitFor();
  await alan.look("console-authority");
});

for (const visitor of [ada, bob, grace, alan]) await visitor.leave();
await close();
