// Finance sets a budget, calls use it up and are refused with its name, it is raised for the night;
// a mail tells of each threshold once. An owner keeps a webhook. With JavaScript and without.

import assert from "node:assert/strict";
import { AxeBuilder } from "@axe-core/playwright";
import { as, createKey, member } from "../lib/people.mjs";
import { json, screenshot } from "../lib/stack.mjs";
import { until } from "../lib/tests.mjs";

/** A call with a tag of this journey's own; what it cost stands in a header. */
async function call(stack, secret, tag) {
  const answer = await fetch(`${stack.gateway_url}/v1/chat/completions`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${secret}`,
      "content-type": "application/json",
      "x-tollgate-include-cost": "1",
      "x-tollgate-tags": tag,
    },
    body: JSON.stringify({
      model: stack.models[0],
      max_tokens: 5,
      messages: [{ role: "user", content: "Hello" }],
    }),
  });
  const body = await answer.json();
  return { status: answer.status, error: body.error, cost: answer.headers.get("x-tollgate-cost-usd") };
}

/** Dollars times a whole number, exactly: nine decimals. */
function times(usd, count) {
  const nanos = BigInt(usd.replace(/^(\d+)\.?(\d*)$/, (_, a, b) => a + b.padEnd(9, "0"))) * BigInt(count);
  const text = nanos.toString().padStart(10, "0");
  return `${text.slice(0, -9)}.${text.slice(-9)}`;
}

async function looks(visit, name) {
  await visit.page.screenshot({ path: screenshot(name), fullPage: true });
  const { violations } = await new AxeBuilder({ page: visit.page }).analyze();
  assert.deepEqual(violations.map((found) => found.id), []);
}

async function fill(form, fields) {
  for (const [label, value] of Object.entries(fields)) await form.getByLabel(label).fill(value);
}

async function budgets({ browser, tests, stack }, js) {
  const with_ = js ? "with JavaScript" : "without JavaScript";
  const finance = member(0, "finance");
  const home = `/o/${finance.slug}`;
  const [name, tag] = [`Night ${Date.now()}`, `journey=budget${js ? "a" : "b"}${Date.now()}`];
  const developer = await as(browser, member(0, "developer"), { javaScriptEnabled: js });
  const { secret } = await createKey(developer, home, `Budgets, ${with_}`);
  await developer.end();
  const visit = await as(browser, finance, { javaScriptEnabled: js });
  const { value: first } = await until("the key works", async () => {
    const answer = await call(stack, secret, "none=1");
    return answer.status === 200 ? answer : null;
  });
  const form = visit.page.locator("main form").first();

  await tests.check(`${with_}, a budget that cannot be is refused at its field`, async () => {
    await visit.open(`${home}/budgets/new`);
    await fill(form, { Name: name, "Amount in dollars": "-1", Tag: tag, "Time zone": "Europe/Berlin" });
    await visit.main("button", "Create budget").click();
    await visit.page.getByText("Enter dollars", { exact: false }).or(
      visit.page.getByText("Use 0 dollars or more.")).first().waitFor();
    assert.equal(await form.getByLabel("Name").inputValue(), name, "what was typed stays");
  });
  await tests.check(`${with_}, calls are refused with the budget's name once it is used up`, async () => {
    await fill(form, { "Amount in dollars": times(first.cost, 12) });
    await visit.main("button", "Create budget").click();
    await visit.main("heading", name).waitFor();
    let ran = 0;
    const { value } = await until("it is used up", async () => {
      const answer = await call(stack, secret, tag);
      if (answer.status === 200) ran += 1;
      return answer.status === 402 ? answer : null;
    }, 15);
    assert.equal(value.error.code, "budget.exhausted");
    assert.match(value.error.message, new RegExp(`“${name}”`));
    assert.ok(ran <= 12, `${ran} calls ran, at most 12 fit`);
    assert.equal((await call(stack, secret, "other=1")).status, 200);
    return `${ran} ran`;
  });
  await tests.check(`${with_}, a raise for the night lets calls through again`, async () => {
    await visit.page.getByLabel("Add, in dollars").fill("1");
    await visit.page.getByLabel("Reason").fill("Friday night");
    await visit.main("button", "Raise budget").click();
    await visit.page.getByText("The budget is raised.", { exact: false }).waitFor();
    const { took } = await until("let through", async () =>
      (await call(stack, secret, tag)).status === 200, 2);
    await visit.page.getByText("Friday night").waitFor();
    return `${took.toFixed(2)} s`;
  });
  await tests.check(`${with_}, the page shows how it stands, and axe finds nothing`, async () => {
    await until("what was spent is there", async () => {
      await visit.page.reload();
      return !(await visit.page.getByText("$0.00 of").count());
    }, 15);
    if (js) await looks(visit, "finance-budget");
    await visit.open(`${home}/budgets`);
    await visit.page.getByRole("row").filter({ hasText: name }).waitFor();
    if (js) await looks(visit, "finance-budgets");
  });
  await tests.check(`${with_}, a threshold is told once, to owner and finance`, async () => {
    // Half of a budget of a call's price is reached by the calls that ran.
    await visit.open(`${home}/budgets/new`);
    const mine = `${name} told`;
    await fill(form, {
      Name: mine, "Amount in dollars": times(first.cost, 2), Tag: "journey=none", "Alerts at": "50",
    });
    await form.getByLabel("Tag").fill("");
    await form.getByLabel("Once it is used up").selectOption("alert");
    await visit.main("button", "Create budget").click();
    await visit.main("heading", mine).waitFor();
    const told = async (to) => (await json(`${stack.simulator_url}/mailbox/api?to=${to}`))
      .filter((mail) => mail.subject.includes(mine)).length;
    const people = [finance.email, member(0, "owner").email].map(encodeURIComponent);
    await until("the mails", async () => (await Promise.all(people.map(told))).every((n) => n === 1), 15);
    await call(stack, secret, "more=1");
    await visit.page.reload();
    await visit.page.getByRole("region", { name: "Alerts" }).getByText("50 %").first().waitFor();
    assert.deepEqual(await Promise.all(people.map(told)), [1, 1]);
  });
  await tests.check(`${with_}, no page complained`, () => assert.deepEqual(visit.take(), []));
  await visit.end();
}

async function webhooks({ browser, tests }, js) {
  const with_ = js ? "with JavaScript" : "without JavaScript";
  const owner = member(0, "owner");
  const visit = await as(browser, owner, { javaScriptEnabled: js });
  await tests.check(`${with_}, a webhook's secret is shown once and exchanged; messages are listed`, async () => {
    await visit.open(`/o/${owner.slug}/webhooks`);
    const url = `http://127.0.0.1:9/hooks/${Date.now()}`;
    await visit.page.getByLabel("Address").fill("ftp://example.com");
    await visit.main("button", "Add webhook").click();
    await visit.page.getByRole("alert").first().waitFor();
    await visit.page.getByLabel("Address").fill(url);
    await visit.main("button", "Add webhook").click();
    await visit.main("heading", "The secret of your webhook").waitFor();
    const secret = (await visit.page.locator(".reveal code").textContent()).trim();
    assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
    await visit.main("link", "I have stored it").click();
    await visit.page.getByRole("link", { name: url }).click();
    await visit.main("button", "Send a test message").click();
    await visit.page.getByText("webhook.test").waitFor();
    await until("an attempt failed", async () => {
      await visit.page.reload();
      return visit.page.getByText("No connection", { exact: false }).count();
    }, 15);
    if (js) await looks(visit, "owner-webhook");
    await visit.page.locator("summary").filter({ hasText: /^Exchange the secret$/ }).click();
    await visit.main("button", "Exchange the secret").click();
    await visit.main("heading", "The secret of your webhook").waitFor();
    const next = (await visit.page.locator(".reveal code").textContent()).trim();
    assert.notEqual(next, secret);
    await visit.main("link", "I have stored it").click();
    await visit.page.getByRole("link", { name: url }).click();
    await visit.page.locator("summary").filter({ hasText: /^Remove webhook$/ }).click();
    await visit.main("button", "Remove webhook").click();
    await visit.page.getByText("The webhook is removed.").waitFor();
  });
  await tests.check(`${with_}, no page on webhooks complained`, () => assert.deepEqual(visit.take(), []));
  await visit.end();
}

export async function run(world) {
  for (const js of [true, false]) {
    await budgets(world, js);
    await webhooks(world, js);
  }
}
