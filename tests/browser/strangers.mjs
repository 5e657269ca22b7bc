/**
 * Support without an account, and attackers: another site in the browser of a signed-in user, and a stolen cookie.
 *
 * `node strangers.mjs DEVICE SCHEME`
 */
import { createServer } from "node:http";

import { BASE_URL, Visitor, close, ensure, mailed } from "./browser.mjs";

const [device, scheme] = process.argv.slice(2);
const PASSWORD = "a-darkroom-for-everyone";
const MARKUP = `"><img src=x onerror=alert(1)><script>alert(2)</script>`;

const bob = await Visitor.arrive({ device, scheme });
bob.name = `strangers-${bob.name}`;
await bob.journey("support without an account", async () => {
  const { page } = bob;
  const email = `guest-${crypto.randomUUID()}@example.com`;
  await bob.go("/forgot");
  await page.getByRole("link", { name: "Still stuck? Contact us." }).click();
  await page.getByLabel("Email address").fill(email);
  await page.getByLabel("Subject").fill(MARKUP);
  await page.getByLabel("Message").fill("No code comes.");
  await bob.look("guest-ticket");
  await bob.press("Continue");
  await page.getByLabel("Code").fill("00000000");
  await bob.expecting([400], async () => {
    await bob.press("Send");
    await page.locator(".field .field-error").waitFor();
  });
  await page.getByLabel("Code").fill(await mailed(email));
  await bob.press("Send");
  await bob.sees("Ticket sent");
  await bob.look("guest-ticket-sent");
});
await bob.leave();

const ada = await Visitor.arrive({ device, scheme });
ada.name = `strangers-${ada.name}`;
await ada.join(`target-${crypto.randomUUID()}@example.com`, PASSWORD);
const isSignedIn = async () => {
  await ada.go("/");
  await ada.page.getByLabel("Prompt", { exact: true }).waitFor();
};

await ada.journey("another site gets no access", async () => {
  // The browser of the same user, with the cookie, on another site: 127.0.0.1 is not localhost.
  const site = createServer((_, answer) => answer.setHeader("content-type", "text/html").end("<h1>You have won</h1>"));
  await new Promise((resolve) => site.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${site.address().port}/`;
  const evil = await ada.context.newPage();
  await evil.goto(address);
  for (const [method, path] of [["POST", "/v1/session/refresh"], ["POST", "/v1/session/sign-out"], ["GET", "/v1/account"]]) {
    const seen = await evil.evaluate(async ([address, method]) => {
      const answer = await fetch(address, { method, credentials: "include" }).catch(() => undefined);
      return answer && (await answer.text());
    }, [BASE_URL + path, method]);
    ensure(seen === undefined, `${method} ${path} answers another site: ${seen}`);
  }
  await evil.close();
  for (const path of ["/v1/session/refresh", "/v1/session/sign-out"]) {
    const evil = await ada.context.newPage();
    await evil.goto(address);
    const answered = evil.waitForResponse(BASE_URL + path);
    await evil.evaluate((action) => {
      const form = Object.assign(document.createElement("form"), { method: "post", action });
      document.body.append(form);
      form.submit();
    }, BASE_URL + path);
    const answer = await answered;
    ensure(!(await answer.request().allHeaders()).cookie, `another site sends the cookie to ${path}`);
    await evil.close();
  }
  site.close();
  await isSignedIn();
});

await ada.journey("a stolen refresh cookie without its CSRF token gets no session", async () => {
  const cookies = await ada.context.cookies(BASE_URL);
  const [cookie] = cookies.filter(({ name }) => name.startsWith("__Host-"));
  ensure(cookie?.httpOnly && cookie.secure && cookie.sameSite === "Strict", "the cookie is not HttpOnly, Secure and SameSite=Strict");
  const headers = { cookie: `${cookie.name}=${cookie.value}` };
  for (const more of [{}, { "x-csrf-token": "" }, { "x-csrf-token": "0".repeat(64) }]) {
    const answer = await fetch(`${BASE_URL}/v1/session/refresh`, { method: "POST", headers: { ...headers, ...more } });
    ensure([401, 403].includes(answer.status), `a stolen cookie is answered with ${answer.status}`);
    ensure(!(await answer.text()).includes("access_token"), "a stolen cookie opens a session");
  }
  await isSignedIn();
});

await ada.leave();
await close();
