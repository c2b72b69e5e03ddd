// An operator names a model otherwise, lets the name lead elsewhere and takes that back with one
// button; deprecates a model, so that answers, the catalogue, the app's page and its people's mail
// say so; browns it out. The gateway follows each step. With JavaScript and without.

import assert from "node:assert/strict";
import { look } from "../lib/look.mjs";
import { as, createKey, mailedLink, member } from "../lib/people.mjs";
import { until } from "../lib/tests.mjs";

async function call(stack, secret, model) {
  const answer = await fetch(`${stack.gateway_url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
    body: JSON.stringify({ model, max_tokens: 5, messages: [{ role: "user", content: "Hello" }] }),
  });
  await answer.arrayBuffer();
  return answer;
}

/** Told apart from those of an earlier run on the same stack. */
const RUN = Date.now().toString(36);

/** An instant in so many days, as a date and time field has it. */
const inDays = (days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 16);

async function open(visit, summary) {
  await visit.page.locator("summary").filter({ hasText: summary }).first().click();
}

async function names({ tests, visit, stack }, secret, with_, alias) {
  const [first, second] = stack.models;
  await tests.check(`${with_}, an alias to nothing is refused at its field, one to a model is called`, async () => {
    await visit.open("/admin/aliases");
    const form = visit.page.locator('form[action="/admin/aliases"]');
    await form.getByLabel("Name").fill(alias);
    await form.getByLabel("Leads to").fill("nobody");
    await form.getByRole("button", { name: "Add an alias" }).click();
    await visit.page.getByText("There is no model and no alias `nobody`.").first().waitFor();
    await form.getByLabel("Leads to").fill(first);
    await form.getByRole("button", { name: "Add an alias" }).click();
    await visit.page.getByText("The alias can be called within a second.").waitFor();
    const { took } = await until("the alias answers", async () =>
      (await call(stack, secret, alias)).status === 200, 5);
    return `${took.toFixed(2)} s`;
  });
  await tests.check(`${with_}, it leads elsewhere at once, and back by one button`, async () => {
    await open(visit, /^Let it lead elsewhere$/);
    const form = visit.page.locator('form[action="/admin/cut-overs"]');
    await form.getByLabel("Name").fill(alias);
    await form.getByLabel("Leads to").fill(second);
    await form.getByRole("button", { name: "Let it lead elsewhere" }).click();
    await visit.page.getByText("The name leads there now.").waitFor();
    const row = () => visit.page.getByRole("row").filter({ hasText: alias }).filter({ hasText: "Done" }).first();
    assert.match(await row().textContent(), new RegExp(second));
    await row().getByRole("button", { name: "Take it back" }).click();
    await visit.page.getByText("The name leads again where it led before.").waitFor();
    assert.match(await row().textContent(), new RegExp(first));
  });
  await tests.check(`${with_}, one to come is cancelled`, async () => {
    await open(visit, /^Let it lead elsewhere$/);
    const form = visit.page.locator('form[action="/admin/cut-overs"]');
    await form.getByLabel("Name").fill(alias);
    await form.getByLabel("Leads to").fill(second);
    await form.getByLabel("From (UTC)").fill(inDays(3));
    await form.getByRole("button", { name: "Let it lead elsewhere" }).click();
    await visit.page.getByText("It is scheduled.").waitFor();
    const row = visit.page.getByRole("row").filter({ hasText: alias }).filter({ hasText: "Scheduled" });
    await row.getByRole("button", { name: "Cancel" }).click();
    await visit.page.getByText("It is cancelled.").waitFor();
  });
}

/** Changes the state of the model whose page is open. */
async function become(visit, here, state, end = {}) {
  await visit.open(here);
  const form = visit.page.locator(`form[action="${here}"]`);
  await form.getByLabel("State").selectOption(state);
  await form.getByLabel("Answers until (UTC)").fill(end.sunset ?? "");
  await form.getByLabel("What comes after it").fill(end.successor ?? "");
  await form.getByRole("button", { name: "Save" }).click();
  await visit.page.getByText("Saved. Gateways follow within a second.").waitFor();
}

async function end({ tests, visit, stack }, secret, with_, here) {
  const [first, second] = stack.models;
  await tests.check(`${with_}, a model that is deprecated says so on every answer`, async () => {
    await become(visit, here, "deprecated", { sunset: inDays(90), successor: second });
    const { took } = await until("the answer says so", async () => {
      const { headers } = await call(stack, secret, first);
      return headers.get("deprecation")?.startsWith("@") && headers.get("sunset")
        && headers.get("link")?.includes("successor-version");
    }, 5);
    return `${took.toFixed(2)} s`;
  });
  await tests.check(`${with_}, a brown-out is scheduled and taken back`, async () => {
    await visit.open(`${here}/life`);
    await open(visit, /^Schedule a brown-out$/);
    const form = visit.page.locator(`form[action="${here}/brown-outs"]`);
    await form.getByLabel("From (UTC)").fill(inDays(2));
    await form.getByLabel("Until (UTC)").fill(inDays(1));
    await form.getByRole("button", { name: "Schedule a brown-out" }).click();
    await visit.page.getByText("It ends after it starts.").first().waitFor();
    await form.getByLabel("Until (UTC)").fill(inDays(2.1));
    await form.getByRole("button", { name: "Schedule a brown-out" }).click();
    await visit.page.getByText("The people of the apps that call the model are told.").waitFor();
  });
}

async function seen({ browser, tests, stack }, visit, here) {
  const [first] = stack.models;
  const owner = member(0, "owner");
  await tests.check("the people of the apps that call it get a mail, and the operator sees that", async () => {
    await until("they are told", async () => {
      await visit.open(`${here}/life`);
      const row = visit.page.getByRole("row").filter({ hasText: "deprecated, " });
      return (await row.count()) > 0;
    }, 20);
    await mailedLink(owner.email, `/o/${owner.slug}/apps`);
    await look(visit, "operator-model-life");
  });
  await tests.check("the aliases look right", async () => {
    await visit.open("/admin/aliases");
    await look(visit, "operator-aliases");
  });
  const theirs = await as(browser, owner);
  await tests.check("the app's page says what goes away and what to use", async () => {
    await theirs.open(`/o/${owner.slug}/apps`);
    await theirs.page.locator("main table a").first().click();
    await theirs.page.getByText("Models that this app calls go away").waitFor();
    await look(theirs, "owner-app-deprecation");
  });
  await tests.check("so does the catalogue", async () => {
    await theirs.open(`/o/${owner.slug}/catalog?q=${encodeURIComponent(first)}`);
    await theirs.page.locator("main a").filter({ hasText: /./ }).first().waitFor();
    const found = await fetch(`${stack.api_url}/v1/catalog?limit=100`).then((answer) => answer.json());
    const { slug } = found.items.find((item) => item.model_names.includes(first));
    await theirs.open(`/o/${owner.slug}/catalog/${slug}`);
    await theirs.page.getByText("This model goes away.").first().waitFor();
    await look(theirs, "owner-catalogue-deprecation");
  });
  await tests.check("the member's pages did not complain", () => assert.deepEqual(theirs.take(), []));
  await theirs.end();
}

export async function run({ browser, tests, stack }) {
  const owner = member(0, "owner");
  const keys = await as(browser, owner);
  const { secret } = await createKey(keys, `/o/${owner.slug}`, "Lifecycles");
  await keys.end();
  const [first] = stack.models;
  await until("the key works", async () => (await call(stack, secret, first)).status === 200);
  for (const js of [false, true]) {
    const with_ = js ? "with JavaScript" : "without JavaScript";
    const visit = await as(browser, stack.operator, { javaScriptEnabled: js });
    await names({ tests, visit, stack }, secret, with_, `journey-${js ? "js" : "plain"}-${RUN}`);
    await visit.open("/admin/models");
    await visit.page.getByRole("row").filter({ hasText: first }).first().getByRole("link").first().click();
    await visit.page.getByRole("link", { name: "Lifecycle" }).waitFor();
    const here = visit.path();
    await tests.check(`${with_}, a version is added and becomes active`, async () => {
      await visit.open(`${here}/life`);
      await open(visit, /^Add a version$/);
      const label = `v-${js ? "js" : "plain"}-${RUN}`;
      await visit.page.getByLabel("Label").fill(label);
      await visit.main("button", "Add a version").click();
      await visit.page.getByText("The version is a draft.").waitFor();
      await open(visit, new RegExp(`^Change: ${label}$`));
      const form = visit.page.locator("details[open] form").filter({ has: visit.page.getByLabel("State") });
      await form.getByLabel("State").selectOption("active");
      await form.getByRole("button", { name: "Save" }).click();
      await visit.page.getByText("Saved. Gateways follow within a second.").waitFor();
    });
    await end({ tests, visit, stack }, secret, with_, here);
    if (js) await seen({ browser, tests, stack }, visit, here);
    await tests.check(`${with_}, it comes back, and answers say nothing more`, async () => {
      await visit.open(`${here}/life`);
      const brown = visit.page.locator(`form[action^="${here}/brown-outs/"]`).first();
      await brown.getByRole("button", { name: "Cancel" }).click();
      await visit.page.getByText("It is taken back.").waitFor();
      await become(visit, here, "active");
      await until("nothing is said", async () =>
        (await call(stack, secret, first)).headers.get("deprecation") === null, 5);
    });
    await tests.check(`${with_}, no page complained`, () => assert.deepEqual(visit.take(), []));
    await visit.end();
  }
}
