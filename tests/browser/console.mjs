/**
 * The console of staff, as each role and as a person who has none: what each role sees and may do, every kind of case, and that
 * nobody else gets the code of the console.
 *
 * `node console.mjs DEVICE SCHEME`
 */
import { Visitor, close, ensure, member } from "./browser.mjs";

const [device, scheme] = process.argv.slice(2);
const PASSWORD = "a-darkroom-for-everyone";
const address = (name) => `${name}-${crypto.randomUUID()}@example.com`;
/** The tabs of the console, by role. */
const TABS = {
  support: ["Overview", "Cases", "Accounts"],
  finance: ["Overview", "Cases", "Accounts", "Margins"],
  moderation: ["Overview", "Cases", "Accounts"],
  administrator: ["Overview", "Cases", "Accounts", "Holds and disclosures", "Catalogue", "Settings", "Texts", "Margins", "Promotions", "Staff", "Record"],
};
/** What an account shows, by role. */
const SECTIONS = {
  support: ["Profile", "Tickets", "Generations", "Uploads", "Payments", "Activity", "Deletion asked for in writing"],
  finance: ["Profile", "Payments", "Activity", "Grant or take credits", "Grant a plan", "Spending"],
  moderation: ["Spending", "Publishing and sharing", "Report to NCMEC's CyberTipline"],
  administrator: [
    "Profile", "Tickets", "Generations", "Uploads", "Payments", "Activity", "Legal holds",
    "Grant or take credits", "Grant a plan", "Spending", "Publishing and sharing",
    "Report to NCMEC's CyberTipline", "Sessions", "Deletion asked for in writing",
  ],
};

/** Returns the scripts of the console that a page has loaded. */
const consoleScripts = (page) =>
  page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => name).filter((name) => name.includes("/staff/assets/")));

/** Presses a button, or a link, of this name with the keyboard. */
async function type(visitor, name, role = "button") {
  await visitor.page.getByRole(role, { name, exact: true }).first().focus();
  await visitor.page.keyboard.press("Enter");
}

/** Repeats an act until it says that it is done, for the minute that a version takes at most and half of one for what is around it. */
async function until(done) {
  for (const end = Date.now() + 90_000; !(await done()); ) {
    ensure(Date.now() < end, "it was not done in time");
    await new Promise((passed) => setTimeout(passed, 1_000));
  }
}

/** Arrives as a new member of staff with this role. */
const arrive = (role) => member(role, { device, scheme });

// A person without a role: what they do makes a case for support, and one for finance.
const ada = await Visitor.arrive({ device, scheme });
const email = address("ada");
let account;
let ticket;
const subject = `A vase ${crypto.randomUUID().slice(0, 8)}`;

await ada.journey("a person without a role", async () => {
  const { page } = ada;
  await ada.join(email, PASSWORD);
  ensure((await page.getByRole("link", { name: "Staff console" }).count()) === 0, "the console is linked");
  for (const path of ["/staff", "/staff/cases", "/staff/accounts", "/staff/legal", "/staff/catalogue", "/staff/settings", "/staff/texts", "/staff/margins", "/staff/promotions", "/staff/members", "/staff/record"]) {
    await ada.go(path);
    await ada.sees("Page not found");
    ensure((await consoleScripts(page)).length === 0, `${path} loads the console`);
  }
  await ada.go("/support");
  await page.getByLabel("Subject").fill(subject);
  await page.getByLabel("Message").fill("It is cracked.");
  const opened = page.waitForResponse((answer) => answer.url().endsWith("/v1/support/tickets") && answer.request().method() === "POST");
  await ada.press("Send");
  ticket = (await (await opened).json()).id;
});

let script;

await ada.journey("support answers a ticket, by keyboard", async () => {
  const grace = await arrive("support");
  const { page } = grace;
  await grace.journey("the case", async () => {
    const received = { name: "Received", text: "We look into ticket {ticket}." };
    await page.route("**/v1/staff/reply-templates", (route) => route.fulfill({ json: { version: 1, templates: [received] } }));
    await type(grace, "Staff console", "link");
    await page.getByRole("link", { name: /^Ticket \(\d/ }).press("Enter");
    await grace.sees("What waits for a decision or an answer");
    [script] = await consoleScripts(page);
    ensure((await page.getByLabel("Show", { exact: true }).inputValue()) === "ticket", "the overview leads to another kind");
    await grace.look("console-cases");
    // The queue is of all accounts: the one of this walk is found by its id.
    for (;;) {
      await page.locator('[data-kind="ticket"]').first().waitFor();
      const more = page.getByRole("button", { name: "Load more" });
      if ((await more.count()) === 0) break;
      await more.click();
    }
    const kinds = new Set(await page.locator("[data-kind]").evaluateAll((all) => all.map(({ dataset }) => dataset.kind)));
    ensure(kinds.size === 1, `the filter shows ${[...kinds]}`);
    // She takes the case of this walk and notes something about it.
    const card = page.locator(`[data-key="ticket ${ticket}"]`);
    await card.getByRole("button").press("Enter");
    await card.getByRole("button", { name: "Take the case" }).press("Enter");
    await card.getByText("Yours").waitFor();
    await card.getByLabel("Note for your colleagues").fill("Asked the potter.");
    await card.getByRole("button", { name: "Add the note" }).press("Enter");
    await card.getByText("Asked the potter.").waitFor();
    await page.getByLabel("Whose").selectOption("mine");
    ensure((await page.locator("[data-kind]").count()) === 1, "the filter shows cases of others");
    await grace.look("console-case");
    await card.getByRole("link", { name: "Open the account" }).press("Enter");
    await page.getByRole("radio", { name: "Email address" }).check();
    await page.getByLabel("Exact value").fill(email);
    await page.getByLabel("Reference").fill(ticket);
    await page.getByLabel("Reason").fill("She asks about a vase");
    await grace.look("console-find");
    await page.getByLabel("Minutes").press("Enter");
    await grace.sees("Your access lasts until");
    account = (await page.locator("h2 code").textContent()).trim();
    await type(grace, "Show Tickets");
    await grace.sees("It is cracked.");
    await page.getByLabel("Template").selectOption("Received");
    const reply = page.getByLabel("Reply");
    ensure((await reply.inputValue()) === `We look into ticket ${ticket}.`, "the template is not in the reply");
    await reply.fill("Glue it, please.");
    await type(grace, "Send");
    await grace.sees("Done.");
    await type(grace, "Show Profile");
    await grace.sees(email);
    await grace.look("console-account");
  });
  await grace.leave();
  await ada.go("/support");
  await ada.page.locator(".ticket", { hasText: subject }).getByText("Glue it, please.").waitFor();
  await ada.go("/privacy/access");
  await ada.sees("She asks about a vase");
  await ada.sees("Wrote an internal note about a case of yours");
});

await ada.journey("the code of the console is not served to a person without a role", async () => {
  ensure(script, "support has loaded no code of the console");
  await ada.expecting([404], async () => {
    const status = await ada.page.evaluate(async (script) => (await fetch(script)).status, script);
    ensure(status === 404, `the code of the console is served: ${status}`);
  });
});

await ada.journey("finance grants credits", async () => {
  const hopper = await arrive("finance");
  const { page } = hopper;
  await hopper.journey("the grant", async () => {
    await hopper.go("/staff/accounts");
    await page.getByRole("radio", { name: "Email address" }).check();
    await page.getByLabel("Exact value").fill(email);
    await page.getByLabel("Reference").fill(ticket);
    await page.getByLabel("Reason").fill("The vase was cracked");
    await hopper.press("Open an access");
    await page.getByLabel("Credits", { exact: true }).fill("7");
    const credits = page.locator("section.card", { hasText: "Grant or take credits" });
    await credits.getByLabel("Reason").fill("The vase was cracked");
    await credits.getByRole("button", { name: "Apply" }).press("Enter");
    await hopper.sees("credits are available now");
  });
  await hopper.leave();
  await ada.go("/credits/transactions");
  await ada.sees("Adjusted by our staff");
  await ada.go("/privacy/access");
  await ada.sees("Granted 7 credits: The vase was cracked");
});

for (const role of Object.keys(TABS)) {
  const visitor = await arrive(role);
  const { page } = visitor;
  await visitor.journey(`what the role ${role} has`, async () => {
    await visitor.go("/staff");
    await page.getByRole("heading", { name: "Waiting" }).waitFor();
    const earned = page.getByText("Earned and cost by day");
    if (TABS[role].includes("Margins")) await earned.waitFor();
    else ensure((await earned.count()) === 0, `${role} sees what was earned`);
    await page.getByRole("heading", { name: "Models that end" }).waitFor();
    await page.getByRole("heading", { name: "In progress" }).waitFor();
    await page.getByRole("heading", { name: /^Generations in / }).waitFor();
    await visitor.look("console-overview");
    const tabs = await page.getByRole("navigation", { name: "Console" }).getByRole("link").allTextContents();
    ensure(String(tabs) === String(TABS[role]), `${role} has the tabs ${tabs}`);
    await visitor.go("/staff/accounts");
    if (role === "moderation") {
      await page.getByLabel("Account id").fill(account);
      await visitor.press("Show");
    } else {
      await page.getByLabel("Exact value").fill(account);
      await page.getByLabel("Reference").fill(ticket);
      await page.getByLabel("Reason").fill("A walk through the console");
      await visitor.press("Open an access");
    }
    await page.getByRole("heading", { name: account }).waitFor();
    const titles = (await page.locator("main section.card h2").allTextContents()).filter((title) => title !== account);
    ensure(String(titles) === String(SECTIONS[role]), `${role} sees ${titles}`);
    for (const title of titles) {
      const show = page.getByRole("button", { name: `Show ${title}`, exact: true });
      if ((await show.count()) > 0) await show.press("Enter");
    }
    await visitor.look("console-role");
    for (const [tab, path] of [["Record", "record"], ["Catalogue", "catalogue"], ["Settings", "settings"], ["Texts", "texts"], ["Margins", "margins"], ["Promotions", "promotions"], ["Staff", "members"]]) {
      if (TABS[role].includes(tab)) continue;
      await visitor.expecting([404], async () => {
        await visitor.go(`/staff/${path}`);
        await page.locator(".notice.error").first().waitFor();
      });
    }
    if (TABS[role].includes("Margins")) await seeMargins(visitor);
  });
  if (role === "administrator") await visitor.journey("holds and the record", () => administer(visitor));
  await visitor.leave();
}

/** Looks at what models earned and cost, with made-up data. */
async function seeMargins(visitor) {
  const { page } = visitor;
  const sums = (day, model, credits, cost_microusd) => ({ day, model, generations: 2, outputs: 3, credits, cost_microusd });
  const month = new Date().toISOString().slice(0, 7);
  const days = [sums(`${month}-01`, "flux-schnell", 40, 90_000), sums(`${month}-01`, "wan-video", 10, 400_000), sums(`${month}-02`, "flux-schnell", 20, 45_000)];
  await page.route("**/v1/staff/margins/*", (route) => route.fulfill({ json: { credit_microusd: 16_000, days } }));
  await visitor.go("/staff/margins");
  await visitor.sees("US$1.12 earned, US$0.535 cost");
  await page.getByLabel("Show", { exact: true }).selectOption("wan-video");
  await visitor.sees("US$0.16 earned, US$0.40 cost");
  await page.getByRole("region", { name: "By day" }).getByText("-US$0.24 (-60%)").waitFor();
  await visitor.look("console-margins");
}

/** Places a hold, verifies and exports the record, and looks at every kind of case. */
async function administer(visitor) {
  const { page } = visitor;
  await visitor.go("/staff/legal");
  const form = page.locator("section.card", { hasText: "Place a legal hold" });
  await form.getByLabel("Account id").fill(account);
  await form.getByLabel("Reference of the request").fill("court-7");
  await form.getByLabel("Reason").fill("an order of the court");
  await form.getByRole("checkbox", { name: /^ticket / }).check();
  await form.getByRole("button", { name: "Place the hold" }).press("Enter");
  await visitor.sees("The hold is placed:");
  const hold = (await form.getByRole("status").textContent()).split(": ")[1];
  await visitor.look("console-legal");
  const release = page.locator("section.card", { hasText: "Release a legal hold" });
  await release.getByLabel("Account id").fill(account);
  await release.getByLabel("Id of the hold").fill(hold);
  await release.getByRole("button", { name: "Release the hold" }).press("Enter");
  await visitor.sees("The hold is released.");

  await visitor.go("/staff/catalogue");
  await page.getByRole("group", { name: "Package starter" }).waitFor();
  await page.getByText("The whole document").press("Enter");
  await visitor.look("console-catalogue");

  // A limit is changed, and a wrong one is refused beside its field.
  await visitor.go("/staff/settings");
  const pro = page.getByRole("group", { name: "Plan Pro" });
  const shares = pro.getByLabel("Share links of one image or video");
  const before = Number(await shares.inputValue());
  await shares.fill("1");
  await page.getByText("plans.pro.shares_per_output").waitFor();
  await page.getByLabel("Reason for the publication").fill("more links");
  await visitor.expecting([400], async () => {
    await page.getByRole("button", { name: "Publish", exact: true }).press("Enter");
    await pro.getByText("Required: at least that of plans.plus: 20").waitFor();
  });
  await visitor.look("console-settings");
  // One walk publishes, as two at once would overtake each other.
  if (device === "desktop") {
    await shares.fill(String(before + 1));
    await page.getByRole("button", { name: "Publish", exact: true }).press("Enter");
    await visitor.sees("is published.");
    await visitor.go("/staff/settings");
    ensure((await shares.inputValue()) === String(before + 1), "the version is not shown");
  }

  // An imprint is published, and everybody reads it.
  await visitor.go("/staff/texts");
  const imprint = page.getByRole("group", { name: "Imprint", exact: true });
  const written = `Darkroom Test, ${crypto.randomUUID()}`;
  await imprint.getByLabel("In English").fill(written);
  await page.getByLabel("Color of links and buttons", { exact: true }).fill("#ffcc00");
  await page.getByText("accent.light", { exact: true }).waitFor();
  await page.getByLabel("Reason for the publication").fill("an imprint");
  const publish = () => page.getByRole("button", { name: "Publish", exact: true }).press("Enter");
  await visitor.expecting([400], async () => {
    await publish();
    await page.getByText(/Required: a contrast of at least 4.5/).waitFor();
  });
  await visitor.look("console-texts");
  if (device === "desktop") {
    await page.getByLabel("Color of links and buttons", { exact: true }).fill("#b3301a");
    await publish();
    await visitor.sees("is published.");
    // Functions may use the version before for half a minute.
    await until(async () => {
      await ada.go("/imprint");
      await ada.page.getByRole("heading", { name: "Imprint and contact" }).waitFor();
      return (await ada.page.getByText(written).count()) > 0;
    });
  }

  // A code is published, redeemed once, and ended.
  await visitor.go("/staff/promotions");
  const code = `WALK-${crypto.randomUUID().slice(0, 8).toUpperCase()}`;
  await page.getByLabel("Code", { exact: true }).fill(code);
  await page.getByLabel("Credits for each account").fill("11");
  await page.getByLabel("Accounts at most").fill("5");
  await page.getByLabel("Last day").fill(new Date(Date.now() + 86_400_000).toISOString().slice(0, 10));
  await page.getByLabel("Last day").press("Enter");
  await visitor.sees(`${code} can be redeemed.`);
  await visitor.look("console-promotions");
  await ada.go("/credits");
  const redeem = async () => {
    await ada.page.getByLabel("Promotion or gift code").fill(code.toLowerCase());
    await ada.page.getByRole("button", { name: "Redeem", exact: true, disabled: false }).press("Enter");
  };
  await redeem();
  await ada.sees("11 credits added.");
  await ada.expecting([409], async () => {
    await redeem();
    await ada.sees("You've redeemed this code before, or bought it as a gift.");
  });
  await ada.look("redeemed");
  const published = page.locator(".log-entry", { hasText: code });
  await published.getByRole("button", { name: /^End it/ }).press("Enter");
  await published.getByText("Over").waitFor();

  // A role is given and taken. Nobody changes their own.
  await visitor.go("/staff/members");
  const grant = page.locator("section.card", { hasText: "Give a role" });
  const give = async (to) => {
    await grant.getByLabel("Email address").fill(to);
    await grant.getByLabel("Role").selectOption("finance");
    await grant.getByRole("button", { name: "Give the role" }).press("Enter");
  };
  await visitor.expecting([404], async () => {
    await give(address("nobody"));
    await visitor.sees("Ask them to sign up first.");
  });
  await give(email);
  await visitor.sees(`${email} has the role Finance.`);
  const entry = page.locator(".log-entry", { hasText: email });
  ensure((await page.locator(".log-entry", { hasText: "You" }).getByRole("button").count()) === 0, "an own role can be taken");
  const invited = address("invited");
  await grant.getByLabel("Email address").fill(invited);
  await grant.getByRole("button", { name: "Invite by mail" }).press("Enter");
  await visitor.sees(`${invited} is invited to the role Finance, for seven days.`);
  await visitor.look("console-members");
  const invitation = page.locator(".log-entry", { hasText: invited });
  await invitation.getByRole("button", { name: /^Withdraw the invitation/ }).press("Enter");
  await invitation.waitFor({ state: "detached" });
  await entry.getByRole("button", { name: /^Take the role Finance/ }).press("Enter");
  await entry.waitFor({ state: "detached" });

  await visitor.go("/staff/record");
  await page.locator(".log-entry", { hasText: "Took a role" }).first().waitFor();
  await page.locator(".log-entry", { hasText: "Placed a hold" }).first().waitFor();
  await visitor.press("Verify");
  await visitor.sees("all in order");
  await page.getByLabel("Account id").fill(account);
  await page.getByLabel("Act", { exact: true }).selectOption("adjusted_credits");
  await page.waitForFunction(() => document.querySelectorAll(".log-entry").length === 1);
  await visitor.look("console-record");
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: /^Export as CSV/ }).click();
  const csv = await (await (await download).createReadStream()).toArray();
  const lines = Buffer.concat(csv).toString().trim().split("\r\n");
  ensure(lines.length === 2 && lines[0].startsWith("number,at,staff,kind") && lines[1].includes("adjusted_credits"), `the export is ${lines}`);

  // Every kind of case, with made-up data: the queue of the suite has whatever the other tests left.
  const at = new Date(Date.now() - 3 * 86_400_000).toISOString();
  const money = { amount: 500, currency: "EUR" };
  const id = (number) => `0198f0c0-0000-7000-8000-00000000000${number}`;
  const items = [
    { kind: "approval", account, id: id(1), staff: "0123456789abcdef", at, expires_at: at, action: { kind: "disclosed", disclosure: id(1), reference: "court-7", reason: "an order", kinds: ["account"] } },
    { kind: "case", account, id: id(2), reason: "privacy", reports: 2, since: at, decide_by: at, appealed: false, hidden: true },
    { kind: "case", account, id: id(3), reason: "hate", reports: 1, since: at, decide_by: at, appealed: true, hidden: false },
    { kind: "payment", account, id: id(4), provider: "stripe", transaction: "pi_1", total: money, credits: 200, reason: "many_cards", at },
    { kind: "unclaimed", payment: id(5), provider: "paypal", transaction: "8AB", total: money, at },
    { kind: "ticket", account, id: id(6), since: at },
    { kind: "guest_ticket", guest: "a".repeat(64), id: id(7), created_at: at },
    { kind: "account", account, freezes: [{ reason: "staff", note: "asked by mail", at }] },
  ];
  const work = [
    { case: `ticket ${id(6)}`, holder: "0123456789abcdef", mine: false, notes: 2 },
    { case: `guest_ticket ${id(7)}`, holder: "fedcba9876543210", mine: true, notes: 0 },
  ];
  await page.route("**/v1/staff/reviews?*", (route) => route.fulfill({ json: { items, work, next: null } }));
  const finding = (offer, provider_model, notice) => ({ model: "flux-schnell", offer, provider: offer, provider_model, notice, since: at });
  const findings = [finding("replicate", "black-forest-labs/flux-schnell", { kind: "gone" }), finding("fal", "fal-ai/flux/schnell", { kind: "deprecated" }), finding("openai", "gpt-image-2", { kind: "shuts_down", on: "2031-03-31" })];
  const day = new Date().toISOString().slice(0, 10);
  const sum = (kind, count, more) => ({ day, kind, detail: "", provider: "", count, credits: 0, amount: 0, timed: 0, milliseconds: 0, ...more });
  const days = [
    sum("succeeded", 40, { provider: "fal", timed: 40, milliseconds: 200_000 }),
    sum("failed", 3, { provider: "fal", detail: "deadline_passed" }),
    sum("canceled", 1),
    sum("sold", 2, { detail: "EUR", credits: 400, amount: 1_000 }),
    sum("returned", 1, { detail: "EUR", credits: 40, amount: 100 }),
    sum("sign_up", 5, { credits: 100 }),
  ];
  await page.route("**/v1/staff/figures/*", (route) => route.fulfill({ json: { unfinished: 2, oldest_unfinished: at, days } }));
  const models = { asked_at: at, unanswered: 1, findings, retiring: [{ model: "wan-video", on: "2031-03-30" }] };
  await page.route("**/v1/staff/models", (route) => route.fulfill({ json: models }));
  await visitor.go("/staff");
  await visitor.sees("Report (2)");
  for (const text of ["The provider does not have it.", "and does not say when.", "The provider ends it on", "The catalogue retires it on", "1 offer could not be asked about.", "2 generations have not ended.", "The oldest has waited for more than 15 minutes.", "40 successes, 3 failures, 1 cancel", "It took too long", "€10.00 paid, €1.00 returned", "400 credits sold, 40 credits clawed back", "5 accounts opened"]) await visitor.sees(text);
  await visitor.look("console-models");
  await visitor.go("/staff/cases");
  await page.locator("[data-kind]").nth(items.length - 1).waitFor();
  await page.getByLabel("Whose").selectOption("nobody");
  ensure((await page.locator("[data-kind]").count()) === items.length - 2, "the filter shows cases that a member has");
  await page.getByLabel("Whose").selectOption("all");
  for (const open of await page.locator("[data-kind] > div > button").all()) await open.press("Enter");
  await visitor.look("console-every-case");
  await page.getByLabel("Show", { exact: true }).selectOption("payment");
  ensure((await page.locator("[data-kind]").count()) === 1, "the filter shows other kinds");
}

await ada.leave();
await close();
