// What a person does on the way in: signing up, reading the mail, signing in.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Visit } from "./browser.mjs";
import { json, stack } from "./stack.mjs";
import { until } from "./tests.mjs";

/** Somebody new. */
export function somebody(name) {
  const tail = randomBytes(4).toString("hex");
  return {
    name: `${name} Example`,
    email: `${name.toLowerCase()}-${tail}@example.test`,
    org: `${name}'s company ${tail}`,
    password: `correct horse ${randomBytes(6).toString("hex")}`,
  };
}

/** Fills the sign-up form and sends it: two clicks from the start page. */
export async function signUp(visit, person) {
  await visit.open("/");
  await visit.click(visit.main("link", "Create an account"));
  await visit.page.getByLabel("Your name").fill(person.name);
  await visit.page.getByLabel("E-mail address").fill(person.email);
  await visit.page.getByLabel("Organisation", { exact: true }).fill(person.org);
  await visit.page.getByLabel("Password").fill(person.password);
  await visit.click(visit.main("button", "Create account"));
  await visit.main("heading", "Check your mail").waitFor();
}

/** From "check your mail" over the local mailbox to the organisation's home: two or three clicks. */
export async function followMail(visit, person) {
  await mailedLink(person.email, "/verify/");
  await visit.click(visit.main("link", "Open the local mailbox"));
  const mail = visit.page.locator("article").filter({ hasText: person.email }).first();
  await visit.click(mail.getByRole("link").first());
  const confirm = visit.main("button", "Confirm and sign in");
  const home = visit.page.getByRole("navigation", { name: "Main" });
  await confirm.or(home).first().waitFor();
  if (await confirm.isVisible()) await visit.click(confirm);
  await visit.page.waitForURL(/\/o\/[^/]+$/);
  return visit.path();
}

/** The newest mailed link to this address that has `part` in it. */
export async function mailedLink(address, part) {
  const url = `${stack().simulator_url}/mailbox/api?to=${encodeURIComponent(address)}`;
  const { value } = await until(`a mail to ${address}`, async () => {
    const mails = await json(url);
    return mails.flatMap((mail) => mail.links).find((link) => link.includes(part));
  }, 10);
  return value;
}

/** A visit of somebody who has signed in with address and password. */
export async function signIn(browser, { email, password }, options) {
  const visit = await Visit.start(browser, stack().portal_url, options);
  await visit.open("/login");
  await visit.page.getByLabel("E-mail address").fill(email);
  await visit.page.getByLabel("Password").fill(password);
  await visit.main("button", "Sign in").click();
  await visit.the("button", "Sign out").waitFor();
  return visit;
}

/** Signing in once serves many visits: sign-ins are throttled, as they should be. */
const signedIn = new Map();
export async function as(browser, person, options = {}) {
  if (!signedIn.has(person.email)) {
    const visit = await signIn(browser, person);
    signedIn.set(person.email, await visit.context.storageState());
    await visit.end();
  }
  const storageState = signedIn.get(person.email);
  return Visit.start(browser, stack().portal_url, { storageState, ...options });
}

/** A demo member of an organisation with this role. */
export function member(number, role) {
  const org = stack().orgs[number];
  const found = org.members.find((person) => person.role === role);
  assert.ok(found, `the demo has no ${role} in ${org.slug}`);
  return { ...found, slug: org.slug };
}

/** Creates a key through the form of the keys page; the secret and the page's address. */
export async function createKey(visit, home, name) {
  await visit.open(`${home}/keys/new`);
  await visit.page.getByLabel("Name").fill(name);
  await visit.main("button", "Create key").click();
  await visit.main("heading", "Your new key").waitFor();
  const secret = await visit.page.locator(".reveal code").textContent();
  return { secret: secret.trim(), page: visit.page.url() };
}
