// An operator sells a model by the picture: the form asks for that first, refuses a price that
// would make calls free by accident, and the catalogue shows what a picture costs.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { AxeBuilder } from "@axe-core/playwright";
import { Visit } from "../lib/browser.mjs";
import { as } from "../lib/people.mjs";
import { screenshot } from "../lib/stack.mjs";
import { until } from "../lib/tests.mjs";

async function newModel(visit, name) {
  await visit.open("/admin/models/new");
  await visit.page.getByLabel("Name in calls").fill(name);
  await visit.page.getByLabel("Name for people").fill("Painter");
  await visit.page.getByLabel("Kind").selectOption({ label: "Pictures" });
  await visit.page.getByLabel("Context, in tokens").fill("0");
  await visit.page.getByLabel("Longest answer, in tokens").fill("0");
  await visit.main("button", "Create").click();
  await visit.main("heading", "Painter").waitFor();
}

const prices = (visit) => visit.page.locator("form[action$='/prices']");

async function openForm(visit) {
  const summary = visit.page.locator("summary").filter({ hasText: /^Add a price$/ });
  if (!(await prices(visit).isVisible())) await summary.click();
}

async function setPrice(visit, field, amount) {
  await openForm(visit);
  await prices(visit).getByLabel(field, { exact: false }).first().fill(amount);
  await prices(visit).getByRole("button", { name: "Add a price" }).click();
}

/** Makes the model active, and a product of it alone with one plan, published. */
async function publish(visit, name, slug) {
  await visit.page.getByLabel("State").selectOption("active");
  await visit.main("button", "Save").click();
  await visit.page.getByText("Saved.").waitFor();
  await visit.open("/admin/products/new");
  await visit.page.getByLabel("Name", { exact: true }).fill("Pictures");
  await visit.page.getByLabel("Short name").fill(slug);
  await visit.page.getByLabel("Summary").fill("Pictures from words.");
  await visit.page.getByLabel(name, { exact: false }).check();
  await visit.main("button", "Create").click();
  await visit.page.getByText("The product is a draft.").waitFor();
  await visit.page.getByLabel("State").selectOption("published");
  await visit.main("button", "Save").click();
  await visit.page.getByText("Saved.").waitFor();
}

export async function run({ browser, tests, stack }) {
  const tail = randomBytes(4).toString("hex");
  const [name, slug] = [`painter-${tail}`, `pictures-${tail}`];
  const visit = await as(browser, stack.operator);
  await newModel(visit, name);

  await tests.check("the form of a picture model asks for the price of a picture first", async () => {
    await openForm(visit);
    const first = prices(visit).getByRole("textbox").first();
    assert.equal(await first.getAttribute("name"), "image_usd");
    const searches = prices(visit).getByLabel("Per 1,000 searches");
    assert.ok(!(await searches.isVisible()), "what such a model is not sold by is folded away");
    await visit.page.screenshot({ path: screenshot("operator-price-of-a-picture"), fullPage: true });
    const { violations } = await new AxeBuilder({ page: visit.page }).analyze();
    assert.deepEqual(violations.map((found) => found.id), []);
  });
  await tests.check("a price that would make calls free by accident is refused at its field", async () => {
    await setPrice(visit, "Per picture", "0");
    await visit.page.getByRole("alert").getByText("free by accident").waitFor();
    const field = prices(visit).getByLabel("Per picture", { exact: false }).first();
    assert.equal(await field.getAttribute("aria-invalid"), "true");
  });
  await tests.check("a price per picture is stored and stands in the list of prices", async () => {
    await setPrice(visit, "Per picture", "0.04");
    await visit.page.getByText("The price is stored.").waitFor();
    const table = visit.page.getByRole("region", { name: "Prices" });
    assert.match(await table.innerText(), /PER PICTURE[\s\S]*\$0\.04/i);
  });
  await tests.check("the catalogue shows what a picture costs, in its list and on its page", async () => {
    await publish(visit, name, slug);
    const stranger = await Visit.start(browser, stack.portal_url);
    await stranger.open(`/catalog?q=${name}`);
    const card = stranger.page.locator(".product");
    await until("the product is listed", async () => (await card.count()) === 1);
    assert.match(await card.innerText(), /from \$0\.04 per picture/);
    await stranger.page.screenshot({ path: screenshot("visitor-catalog-of-pictures"), fullPage: true });
    await stranger.open(`/catalog/${slug}`);
    const terms = await stranger.page.locator(".prices").first().innerText();
    assert.match(terms, /per picture\s+\$0\.04/i);
    assert.ok(!terms.includes("$0.00"), terms);
    await stranger.page.screenshot({ path: screenshot("visitor-product-of-pictures"), fullPage: true });
    assert.deepEqual(stranger.take(), []);
    await stranger.end();
  });
  await tests.check("the operator withdraws the product again", async () => {
    await visit.page.getByLabel("State").selectOption("withdrawn");
    await visit.main("button", "Save").click();
    await visit.page.getByText("Saved.").waitFor();
    assert.deepEqual(visit.take(), []);
  });
  await visit.end();
}
