// An operator lets an organisation pay ahead and gives it credit; its finance sees the balance, what is
// held and every movement; a call is looked at with all that is known of it.

import assert from "node:assert/strict";
import { as, member } from "../lib/people.mjs";
import { NARROW, sound, unfold } from "../lib/sound.mjs";

async function setBilling(visit, way, floor) {
  await unfold(visit, "How it pays");
  const form = visit.page.locator("form[action$='/billing']");
  await form.getByLabel("Pays").selectOption(way);
  await form.getByLabel("Floor").fill(floor);
  await form.getByRole("button", { name: "Save" }).click();
  await visit.page.getByText("Saved. Gateways know").waitFor();
}

export async function run({ browser, tests, stack }) {
  // The last one, whose calls no other journey needs.
  const number = stack.orgs.findLastIndex((org) => org.members.some((one) => one.role === "owner"));
  const owner = member(number, "owner");
  const here = `/admin/orgs/${owner.slug}`;
  const operator = await as(browser, stack.operator);

  await tests.check("an operator finds an organisation and lets it pay ahead, with credit", async () => {
    await operator.open("/admin/orgs");
    await sound(operator, "operator-orgs");
    await operator.open(here);
    await setBilling(operator, "prepaid", "0");
    await unfold(operator, "Add credit");
    const form = operator.page.locator("form[action$='/credits']");
    await form.getByLabel("Dollars").fill("-5");
    await form.getByLabel("Note").fill("Invoice 7");
    await form.getByRole("button", { name: "Add credit" }).click();
    await operator.page.getByRole("alert").first().waitFor();
    assert.equal(await form.getByLabel("Note").inputValue(), "Invoice 7", "what was typed stays");
    await form.getByLabel("Dollars").fill("25");
    await form.getByRole("button", { name: "Add credit" }).click();
    await operator.page.getByText("The credit is there.").waitFor();
    await sound(operator, "operator-org");
  });

  await tests.check("who may see costs sees balance, floor, what is held, credits and the ledger", async () => {
    for (const [form, options] of Object.entries({ wide: {}, narrow: NARROW })) {
      const visit = await as(browser, owner, options);
      await visit.open(`/o/${owner.slug}/billing`);
      const text = await visit.page.locator("main").innerText();
      for (const shown of ["Held for calls that run", "$25.00", "Invoice 7", "Top-up"]) {
        assert.ok(text.toLowerCase().includes(shown.toLowerCase()), `${shown} in ${text}`);
      }
      await sound(visit, `owner-billing-${form}`);
      await visit.end();
    }
  });

  await tests.check("a correction is written with its reason, and more than was billed is refused", async () => {
    await operator.open(`${here}?kind=usage`);
    const correct = operator.page.locator("summary").filter({ hasText: /^Correct$/ });
    if ((await correct.count()) === 0) return;
    const change = async (amount) => {
      const form = operator.page.locator("form[action$='/correct']").first();
      if (!(await form.isVisible())) await correct.first().click();
      await form.getByLabel("Change by").fill(amount);
      await form.getByLabel("Reason").fill("An apology");
      await form.getByRole("button", { name: "Correct" }).click();
    };
    await change("-100000");
    await operator.page.getByRole("alert").first().waitFor();
    await operator.open(`${here}?kind=usage`);
    await change("-0.000000001");
    await operator.page.getByText("The correction is written.").waitFor();
    await operator.open(`${here}?kind=correction`);
    assert.match(await operator.page.locator("main").innerText(), /An apology/);
  });

  await tests.check("a call is shown with its reservation, price, limits and ledger", async () => {
    for (const [form, options] of Object.entries({ wide: {}, narrow: NARROW })) {
      const visit = await as(browser, member(0, "owner"), options);
      const home = `/o/${member(0, "owner").slug}`;
      await visit.open(`${home}/requests`);
      const call = visit.page.locator(`main a[href^='${home}/requests/req_']`).first();
      await visit.open(await call.getAttribute("href"));
      const text = (await visit.page.locator("main").innerText()).toLowerCase();
      for (const shown of ["reservation and price", "version of the price", "ledger"]) {
        assert.ok(text.includes(shown), `${shown} in ${text}`);
      }
      await sound(visit, `owner-request-${form}`);
      await visit.end();
    }
  });

  await tests.check("health and calls of unknown outcome are for operators, wide and narrow", async () => {
    for (const [form, options] of Object.entries({ wide: {}, narrow: NARROW })) {
      const visit = await as(browser, stack.operator, options);
      await visit.open("/admin/health");
      await visit.main("heading", "Health").waitFor();
      await sound(visit, `operator-health-${form}`);
      await visit.open("/admin/unknowns");
      await visit.main("heading", "Calls of unknown outcome").waitFor();
      await sound(visit, `operator-unknowns-${form}`);
      await visit.open(here);
      await sound(visit, `operator-org-${form}`);
      await visit.end();
    }
    const visit = await as(browser, owner);
    for (const path of ["/admin/health", "/admin/orgs", here, "/admin/unknowns"]) {
      assert.equal((await visit.open(path)).status(), 404, path);
    }
    await visit.end();
  });

  await tests.check("the organisation pays afterwards again", async () => {
    await operator.open(here);
    await setBilling(operator, "postpaid", "0");
    operator.take();
  });
  await operator.end();
}
