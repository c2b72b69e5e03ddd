// An owner limits calls with a tag, meets the limit, raises it for a while and lifts it; the gateway
// follows within a second, and what was used stays used. With JavaScript and without.

import assert from "node:assert/strict";
import { AxeBuilder } from "@axe-core/playwright";
import { as, createKey, member } from "../lib/people.mjs";
import { screenshot } from "../lib/stack.mjs";
import { until } from "../lib/tests.mjs";

/** A call with a tag of this journey's own, so that other journeys' calls do not count. */
async function call(stack, secret, tag) {
  const answer = await fetch(`${stack.gateway_url}/v1/chat/completions`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${secret}`,
      "content-type": "application/json",
      "x-tollgate-tags": tag,
    },
    body: JSON.stringify({
      model: stack.models[0],
      max_tokens: 5,
      messages: [{ role: "user", content: "Hello" }],
    }),
  });
  await answer.arrayBuffer();
  return answer;
}

const minutes = (count) => new Date(Date.now() + count * 60_000).toISOString().slice(0, 16);

export async function run({ browser, tests, stack }) {
  const owner = member(0, "owner");
  for (const js of [true, false]) {
    const with_ = js ? "with JavaScript" : "without JavaScript";
    const visit = await as(browser, owner, { javaScriptEnabled: js });
    const home = `/o/${owner.slug}`;
    const tag = `journey=${js ? "a" : "b"}${Date.now()}`;
    const { secret } = await createKey(visit, home, `Limits, ${with_}`);
    await until("the key works", async () => (await call(stack, secret, "none=1")).status === 200);

    await tests.check(`${with_}, a limit that contradicts itself is refused at its field`, async () => {
      await visit.open(`${home}/limits`);
      await visit.page.locator("summary").filter({ hasText: /^Set a limit$/ }).click();
      const form = visit.page.locator(`form[action$='/limits'][method='post' i]`);
      await form.getByLabel("At most").fill("2");
      await form.getByLabel("Per", { exact: true }).selectOption("month");
      await form.getByLabel("Only calls with the tag").fill(tag);
      await form.getByLabel("Sliding", { exact: false }).check();
      await form.getByRole("button", { name: "Set a limit" }).click();
      await visit.page.getByText("a sliding window is a second").first().waitFor();
    });
    await tests.check(`${with_}, a limit on a tag is set and met by its calls alone`, async () => {
      const form = visit.page.locator(`form[action$='/limits'][method='post' i]`);
      await form.getByLabel("Sliding", { exact: false }).uncheck();
      await form.getByRole("button", { name: "Set a limit" }).click();
      await visit.page.getByText("The limit is set.", { exact: false }).waitFor();
      const { value } = await until("the gateway knows it", async () => {
        const answer = await call(stack, secret, tag);
        return answer.headers.get("ratelimit-policy")?.includes("-per-month-lim_") ? answer : null;
      }, 5);
      assert.equal(value.status, 200);
      await until("it is used up", async () => (await call(stack, secret, tag)).status === 429, 5);
      assert.equal((await call(stack, secret, "other=1")).status, 200);
    });
    await tests.check(`${with_}, an override lets a call more through, and use goes on`, async () => {
      await visit.open(`${home}/limits?with=${encodeURIComponent(tag)}`);
      const row = visit.page.getByRole("row").filter({ hasText: tag });
      await row.getByText("2 of 2").waitFor();
      await row.getByRole("link").click();
      await visit.page.screenshot({ path: screenshot(`owner-limit-used-up-${js}`), fullPage: true });
      const { violations } = js
        ? await new AxeBuilder({ page: visit.page }).analyze()
        : { violations: [] };
      assert.deepEqual(violations.map((found) => found.id), []);
      await visit.page.locator("summary").filter({ hasText: /^Override it for a while$/ }).click();
      const form = visit.page.locator("form[action$='/overrides']");
      await form.getByLabel("At most").fill("3");
      await form.getByLabel("Until").fill(minutes(10));
      await form.getByLabel("Why").fill("Launch");
      await form.getByRole("button", { name: "Override it for a while" }).click();
      await visit.page.getByText("The override is set.").waitFor();
      await visit.page.getByText("2 of 3").waitFor();
      const { took } = await until("let through", async () =>
        (await call(stack, secret, tag)).status === 200, 2);
      assert.equal((await call(stack, secret, tag)).status, 429, "three fit, and no more");
      return `${took.toFixed(2)} s`;
    });
    await tests.check(`${with_}, the limit is lifted`, async () => {
      await visit.main("button", "Remove").click();
      await visit.page.getByText("The limit is removed.").waitFor();
      await until("nothing is in the way", async () => (await call(stack, secret, tag)).status === 200, 1);
    });
    await tests.check(`${with_}, no page complained`, () => assert.deepEqual(visit.take(), []));
    await visit.end();
  }
}
