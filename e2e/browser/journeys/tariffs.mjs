// An operator sells a plan with an included quantity, tiers and a minimum; what cannot be is named at its
// field; the catalogue says what a month comes to, and the costs of who subscribed show it.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Visit } from "../lib/browser.mjs";
import { as, member } from "../lib/people.mjs";
import { NARROW, sound, unfold } from "../lib/sound.mjs";

const INCLUDED = "Included each month, of each model: 1,000 calls, 2,000,000 input tokens";
const TIER = "Beyond 5,000,000 tokens of a class: input $0.80, output $2.40 per million";

async function newProduct(visit, model, slug) {
  await visit.open("/admin/products/new");
  await visit.page.getByLabel("Name", { exact: true }).fill("Bundle");
  await visit.page.getByLabel("Short name").fill(slug);
  await visit.page.getByLabel("Summary").fill("Much of it at once.");
  await visit.page.getByLabel(model, { exact: false }).first().check();
  await visit.main("button", "Create").click();
  await visit.page.getByText("The product is a draft.").waitFor();
}

async function setState(visit, state) {
  await visit.page.getByLabel("State").selectOption(state);
  await visit.main("button", "Save").click();
  await visit.page.getByText("Saved.").waitFor();
}

/** Sends a form whose field `label` holds `value`, which is refused there in these words. */
async function refusedAt(visit, form, [label, value, words], send) {
  const field = form.getByLabel(label, { exact: false });
  await field.fill(value);
  await form.getByRole("button", { name: send }).click();
  await visit.page.getByRole("alert").getByText(words).first().waitFor();
  assert.equal(await field.getAttribute("aria-invalid"), "true", `${label} is not marked`);
  assert.equal(await field.inputValue(), value, "what was typed stays");
}

/** The plan's own page, on a wide and on a narrow screen, light and dark. */
async function look(browser, person, path, name, texts) {
  const ways = { wide: {}, dark: { colorScheme: "dark" }, narrow: NARROW };
  for (const [way, options] of Object.entries(ways)) {
    const visit = await as(browser, person, options);
    await visit.open(path);
    const shown = await visit.page.locator("main").innerText();
    for (const text of texts) assert.ok(shown.includes(text), `${text} in ${shown}`);
    await sound(visit, `${name}-${way}`);
    await visit.end();
  }
}

export async function run({ browser, tests, stack }) {
  const slug = `bundle-${randomBytes(4).toString("hex")}`;
  const operator = await as(browser, stack.operator);
  const owner = member(0, "owner");
  const home = `/o/${owner.slug}`;
  await newProduct(operator, stack.models[0], slug);
  const product = operator.path();
  let plan;

  await tests.check("a tariff that cannot be is refused at its field, and nothing typed is lost", async () => {
    await unfold(operator, "Add a plan");
    const form = operator.page.locator("form[action$='/plans']");
    await form.getByLabel("Name", { exact: true }).fill("Bulk");
    await form.getByLabel("Short name").fill("bulk");
    await form.getByLabel("Minimum", { exact: false }).fill("20");
    const first = "above=5000000 input=0.80 output=2.40";
    for (const bad of [
      ["Included", "inputs=5", "nothing called inputs"],
      ["Included", "calls=many", "instead of many"],
    ]) {
      await refusedAt(operator, form, bad, "Add a plan");
    }
    await form.getByLabel("Included", { exact: false }).fill("calls=1000 input=2000000");
    for (const bad of [
      ["Tiers", "above=5000000 input=0.80", "output is missing"],
      ["Tiers", `${first}\nabove=4000000 input=0.50 output=2`, "use more than 5000000"],
    ]) {
      await refusedAt(operator, form, bad, "Add a plan");
    }
    await form.getByLabel("Tiers", { exact: false }).fill(first);
    await refusedAt(operator, form, ["Minimum", "a lot", "Enter dollars"], "Add a plan");
    assert.equal(await form.getByLabel("Short name").inputValue(), "bulk");
    await sound(operator, "operator-tariff-refused");
  });
  await tests.check("a plan is made with an included quantity, a tier and a minimum", async () => {
    const form = operator.page.locator("form[action$='/plans']");
    await form.getByLabel("Minimum", { exact: false }).fill("20");
    await form.getByRole("button", { name: "Add a plan" }).click();
    await operator.page.getByText("The plan can be subscribed to").waitFor();
    await setState(operator, "published");
    await operator.main("link", "Bulk").click();
    await operator.main("heading", "Bulk").waitFor();
    plan = operator.path();
    await look(browser, stack.operator, plan, "operator-plan", [INCLUDED, TIER, "At least $20.00 a month"]);
  });
  await tests.check("a change of the terms counts from the next month on, and says so", async () => {
    const terms = operator.page.locator("form[action$='/terms']");
    await refusedAt(operator, terms, ["Minimum", "-1", "dollars"], "Save");
    await terms.getByLabel("Minimum", { exact: false }).fill("30");
    await terms.getByRole("button", { name: "Save" }).click();
    await operator.page.getByText("Saved. A tariff counts from the next month on.").waitFor();
    const shown = await operator.page.locator("main").innerText();
    assert.match(shown, /At least \$20\.00 a month/);
    assert.match(shown, /From .* on: At least \$30\.00 a month/);
  });
  await tests.check("the catalogue shows what is included, the tier and the minimum, now and next", async () => {
    const stranger = await Visit.start(browser, stack.portal_url);
    await stranger.open(`/catalog/${slug}`);
    const shown = await stranger.page.locator(".plan").innerText();
    for (const text of [INCLUDED, TIER, "At least $20.00 a month"]) {
      assert.ok(shown.includes(text), `${text} in ${shown}`);
    }
    assert.match(shown, /From .* on: At least \$30\.00 a month/);
    await sound(stranger, "visitor-tariff");
    await stranger.end();
    await look(browser, owner, `${home}/catalog/${slug}`, "owner-tariff", [INCLUDED]);
  });
  await tests.check("the costs of who subscribed show what the plan makes of the month", async () => {
    const visit = await as(browser, owner);
    await visit.open(`${home}/apps/new`);
    await visit.page.getByLabel("Name").fill(slug);
    await visit.main("button", "Create app").click();
    await visit.page.getByText("The app is ready.").waitFor();
    const app = visit.path();
    await visit.open(`${home}/catalog/${slug}`);
    await visit.page.getByLabel("App", { exact: true }).selectOption({ label: slug });
    await visit.main("button", "Subscribe").click();
    await visit.page.getByText("The app is subscribed.").waitFor();
    await visit.open(`${home}/costs`);
    const row = visit.page.getByRole("row").filter({ hasText: "Bundle: Bulk" }).first();
    const shown = await row.innerText();
    // A subscription that began today owes this month's days from today on, up to all of it.
    const missing = /\$(\d+\.\d+)\s*\$(\d+\.\d+)\s*$/.exec(shown);
    assert.ok(missing && Number(missing[1]) > 0 && Number(missing[1]) <= 20, shown);
    assert.equal(missing[1], missing[2], "nothing was called: the month is what is missing");
    await look(browser, owner, `${home}/costs`, "owner-costs-of-plans", ["Plans this month, so far"]);
    await visit.open(app);
    const subscription = visit.page.getByRole("row", { name: /^Bundle Bulk/ });
    await subscription.getByRole("button", { name: "Cancel", exact: true }).click();
    await visit.the("button", "Cancel subscription").click();
    await visit.page.getByText("The subscription is cancelled.", { exact: false }).waitFor();
    assert.deepEqual(visit.take(), []);
    await visit.end();
    return missing[1];
  });
  await tests.check("the operator withdraws the product again", async () => {
    await operator.open(product);
    await setState(operator, "withdrawn");
    assert.deepEqual(operator.take(), []);
  });
  await operator.end();
}
