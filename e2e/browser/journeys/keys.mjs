// A key is shown once, works exactly as shown, and stops everywhere once it is revoked.

import assert from "node:assert/strict";
import { as, createKey, member } from "../lib/people.mjs";
import { until } from "../lib/tests.mjs";

async function status(stack, secret) {
  const answer = await fetch(`${stack.gateway_url}/v1/models`, {
    headers: { authorization: `Bearer ${secret}` },
  });
  return answer.status;
}

export async function run({ browser, tests, stack }) {
  const developer = member(0, "developer");
  for (const js of [true, false]) {
    const with_ = js ? "with JavaScript" : "without JavaScript";
    const visit = await as(browser, developer, { javaScriptEnabled: js });
    const home = `/o/${developer.slug}`;
    const { secret, page } = await createKey(visit, home, `Browser test, ${with_}`);

    await tests.check(`${with_}, the key works as it is shown`, async () => {
      const { took } = await until("the key works", async () => (await status(stack, secret)) === 200);
      return `${took.toFixed(2)} s`;
    });
    await tests.check(`${with_}, a second look at the page does not show the key`, async () => {
      const again = await visit.open(page);
      assert.equal(again.status(), 410);
      assert.ok(!(await again.text()).includes(secret));
      await visit.page.goBack();
      await visit.open(`${home}/keys`);
      assert.ok(!(await visit.page.content()).includes(secret), "nor does the list");
    });
    await tests.check(`${with_}, a revoked key is refused within a second`, async () => {
      await visit.open(page.replace("/created/", "/"));
      await visit.main("link", "Revoke key").click();
      await visit.main("button", "Revoke this key").click();
      const began = Date.now();
      await visit.page.getByText("The key is revoked.").waitFor();
      const { took } = await until("refused", async () => (await status(stack, secret)) === 401, 1);
      return `${took.toFixed(2)} s after the page said so, ${(Date.now() - began) / 1000} s after the click`;
    });
    await tests.check(`${with_}, a form sent twice makes one key`, async () => {
      const name = `Sent twice, ${with_} ${Date.now()}`;
      await visit.open(`${home}/keys/new`);
      await visit.page.getByLabel("Name").fill(name);
      const fields = await visit.page.locator("main form").evaluate((form) =>
        Object.fromEntries(new FormData(form)));
      const action = await visit.page.locator("main form").getAttribute("action");
      const post = () => visit.context.request.post(visit.base + action, {
        form: fields,
        headers: { origin: visit.base, "sec-fetch-site": "same-origin" },
        maxRedirects: 0,
      });
      const both = await Promise.all([post(), post()]);
      for (const answer of both) assert.equal(answer.status(), 303);
      await visit.open(`${home}/keys`);
      assert.equal(await visit.page.getByRole("link", { name, exact: true }).count(), 1);
    });
    await tests.check(`${with_}, no page complained`, () => assert.deepEqual(visit.take(), []));
    await visit.end();
  }
}
