// An owner says where calls go: a policy that is wrong is refused with its line, versions count one
// after the other and the gateway follows, an explanation tells why. The operator sees a deployment
// that fails rest and come back. With JavaScript and without.

import assert from "node:assert/strict";
import { look } from "../lib/look.mjs";
import { as, createKey, member } from "../lib/people.mjs";
import { until } from "../lib/tests.mjs";

async function call(stack, secret, { tier = "", said = "Hello" } = {}) {
  const answer = await fetch(`${stack.gateway_url}/v1/chat/completions`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${secret}`,
      "content-type": "application/json",
      "x-tier": tier,
    },
    body: JSON.stringify({
      model: stack.models[0],
      max_tokens: 5,
      messages: [{ role: "user", content: said }],
    }),
  });
  await answer.arrayBuffer();
  return answer;
}

/** Where the gateway says a call went: the route's version and the rule. */
async function way(stack, secret, tier) {
  const told = (await call(stack, secret, { tier })).headers.get("x-tollgate-route") ?? "";
  const [, version, rule] = /^rte_\w+\/(\d+); rule=([^;]+);/.exec(told) ?? [];
  return version ? `${version} ${rule}` : "none";
}

const policy = (first, when) =>
  JSON.stringify({ rules: [{ name: first, when, pick: "latency" }, { name: "all", pick: "weighted" }] }, null, 2);

/** The route that is open, and leads to the list. */
async function remove(visit) {
  await visit.page.locator("summary").filter({ hasText: /^Remove route$/ }).click();
  await visit.main("button", "Remove route").click();
  await visit.page.getByText("The route is removed.").waitFor();
}

async function write({ tests, visit, stack }, secret, with_) {
  const editor = visit.page.getByLabel("Policy", { exact: true });
  await tests.check(`${with_}, a policy that is wrong is refused with its line, and stays typed`, async () => {
    await visit.main("link", "New route").click();
    await visit.page.getByLabel("Model").selectOption({ label: stack.models[0] });
    await editor.fill(policy("gold", "org > 3"));
    await visit.page.getByLabel("Note").fill("Gold goes first");
    await visit.page.getByLabel("It counts at once").check();
    await visit.main("button", "Make route").click();
    await visit.page.getByText("Line 5 (rules/0/when)").first().waitFor();
    assert.match(await editor.inputValue(), /org > 3/);
  });
  await tests.check(`${with_}, the gateway follows the route that is made`, async () => {
    await editor.fill(policy("gold", 'header["x-tier"] == "gold"'));
    await visit.main("button", "Make route").click();
    await visit.page.getByText("The route is made.").waitFor();
    const { took } = await until("the gateway follows", async () =>
      (await way(stack, secret, "gold")) === "1 gold", 5);
    assert.equal(await way(stack, secret, ""), "1 all");
    return `${took.toFixed(2)} s`;
  });
  await tests.check(`${with_}, a new version counts, and the first can be made to count again`, async () => {
    await editor.fill(policy("silver", 'header["x-tier"] == "gold"'));
    await visit.page.getByLabel("Note").fill("Silver now");
    await visit.page.getByLabel("It counts at once").check();
    await visit.main("button", "Save as a new version").click();
    await visit.page.getByText("The new version is saved.").waitFor();
    await until("version 2", async () => (await way(stack, secret, "gold")) === "2 silver", 5);
    const first = visit.page.getByRole("row").filter({ hasText: "Gold goes first" });
    await first.getByRole("button", { name: "Make it count" }).click();
    await visit.page.getByText("Which version counts is changed.").waitFor();
    const { took } = await until("version 1", async () => (await way(stack, secret, "gold")) === "1 gold", 5);
    return `${took.toFixed(2)} s`;
  });
}

async function explain({ tests, visit, stack }, home, with_) {
  await tests.check(`${with_}, an explanation names the rule, the order and how deployments do`, async () => {
    await until("a beat was heard", async () => {
      await visit.open(`${home}/routes/explain`);
      await visit.page.getByLabel("Model").fill(stack.models[0]);
      await visit.page.getByLabel("The call").fill('{"header": {"x-tier": "gold"}, "input_tokens": 900}');
      await visit.main("button", "Explain a call").click();
      await visit.page.getByText("What would happen").waitFor();
      return visit.page.getByRole("row").filter({ hasText: "takes" }).first().isVisible();
    }, 10);
    const rule = visit.page.getByRole("row").filter({ hasText: "gold" }).first();
    assert.match(await rule.textContent(), /decides/);
  });
}

async function rest({ browser, tests, stack }, secret) {
  const visit = await as(browser, stack.operator);
  const row = () => visit.page.getByRole("row").filter({ hasText: stack.models[0] }).first();
  const state = async () => {
    await visit.open("/admin/health");
    return (await row().count()) ? row().textContent() : "";
  };
  await tests.check("the operator sees a deployment that fails rest, and recover", async () => {
    for (let nth = 0; nth < 6; nth += 1) {
      await call(stack, secret, { said: "Hello [[sim status=500]]" });
    }
    await until("it rests", async () => (await state()).includes("Failing, rests"), 10);
    await look(visit, "operator-health-resting");
    const { took } = await until("it recovers", async () => {
      await call(stack, secret);
      return (await state()).includes("Recovering");
    }, 20);
    return `${took.toFixed(1)} s`;
  });
  await tests.check("the operator's pages did not complain", () => assert.deepEqual(visit.take(), []));
  await visit.end();
}

export async function run({ browser, tests, stack }) {
  const owner = member(0, "owner");
  const home = `/o/${owner.slug}`;
  for (const js of [false, true]) {
    const with_ = js ? "with JavaScript" : "without JavaScript";
    const visit = await as(browser, owner, { javaScriptEnabled: js });
    const { secret } = await createKey(visit, home, `Routes, ${with_}`);
    await until("the key works", async () => (await call(stack, secret)).status === 200);
    await visit.open(`${home}/routes`);
    // One that an earlier run left.
    const left = visit.main("link", stack.models[0]);
    if (await left.count()) {
      await left.click();
      await remove(visit);
    }
    await write({ tests, visit, stack }, secret, with_);
    if (js) await tests.check("a route looks right", () => look(visit, "owner-route"));
    const here = visit.path();
    await explain({ tests, visit, stack }, home, with_);
    if (js) await tests.check("an explanation looks right", () => look(visit, "owner-explained"));
    await tests.check(`${with_}, where none counts calls go by weight`, async () => {
      await visit.open(here);
      await visit.page.locator("summary").filter({ hasText: /^Let none count$/ }).click();
      await visit.main("button", "Let none count").click();
      await visit.page.getByText("Which version counts is changed.").waitFor();
      await until("no route", async () => (await way(stack, secret, "gold")) === "none", 5);
    });
    // The last one stays, for whoever looks at every page.
    if (!js) {
      await tests.check(`${with_}, the route is removed`, () => remove(visit));
    } else {
      await rest({ browser, tests, stack }, secret);
    }
    await tests.check(`${with_}, no page complained`, () => assert.deepEqual(visit.take(), []));
    await visit.end();
  }
}
