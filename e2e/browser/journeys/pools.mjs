// The operator makes a pool of replicas: what is wrong is said at its field and nothing typed is lost; the
// page of its replicas says what the gateways tell and what nobody knows, and takes a replica out and back
// in. A plan says how urgent its calls are. With JavaScript and without.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { look } from "../lib/look.mjs";
import { as } from "../lib/people.mjs";
import { unfold } from "../lib/sound.mjs";
import { until } from "../lib/tests.mjs";

/** Where nobody listens. */
const NOBODY = "127.0.0.1:9";

/** Makes a pool of the simulator and of nobody; its page. */
async function make({ tests, visit, stack }, name, with_) {
  const { page } = visit;
  const simulator = new URL(stack.simulator_url).host;
  await tests.check(`${with_}, what is wrong with a pool is said at its field and nothing typed is lost`, async () => {
    await visit.open("/admin/providers/new");
    await unfold(visit, "Replicas: several machines that serve the same models");
    await page.getByLabel("Name", { exact: true }).fill(name);
    await page.getByLabel("Short name").fill(`gpus-${randomBytes(4).toString("hex")}`);
    await page.getByLabel("Base address").fill("http://replicas/v1");
    await page.getByLabel("Credential is sent as").selectOption("none");
    await page.getByLabel("Replicas are found").selectOption("list");
    await page.getByLabel("Addresses").fill(`${simulator}\ngpu-2\n169.254.169.254:80`);
    await page.getByLabel("Read the metrics every").fill("5");
    await visit.main("button", "Create").click();
    const summary = page.locator("#problem");
    await summary.waitFor();
    const said = await summary.textContent();
    for (const part of ["gpu-2 has no port", "169.254.169.254 is where a cloud", "use 50 to 5000"]) {
      assert.ok(said.includes(part), `${part}: ${said}`);
    }
    assert.equal(await page.getByLabel("Addresses").inputValue(), `${simulator}\ngpu-2\n169.254.169.254:80`);
    assert.equal(await page.getByLabel("Read the metrics every").inputValue(), "5");
    await summary.getByRole("link", { name: "gpu-2 has no port" }).click();
    assert.match(new URL(page.url()).hash, /^#field-pool_addresses$/);
  });
  if (with_.startsWith("with JavaScript")) {
    await tests.check("a refused pool looks right", () => look(visit, "operator-pool-refused"));
  }
  await tests.check(`${with_}, once it is right the pool is made`, async () => {
    await page.getByLabel("Addresses").fill(`${simulator}\n${NOBODY}`);
    await page.getByLabel("Read the metrics every").fill("200");
    await visit.main("button", "Create").click();
    await page.getByText("The provider is stored.").waitFor();
    assert.equal(await page.getByLabel("Addresses").inputValue(), `${simulator}\n${NOBODY}`);
  });
  return visit.path();
}

async function drain({ tests, visit }, with_) {
  const { page } = visit;
  const row = (address) => page.getByRole("row").filter({ hasText: address });
  await tests.check(`${with_}, each replica is there, with what gateways tell of it or as unknown`, async () => {
    await visit.main("link", "See its replicas").click();
    await visit.main("heading", "Replicas").waitFor();
    for (const address of [NOBODY, await simulatorOf(page)]) {
      assert.match(await row(address).textContent(), /Unknown|Ready|Takes calls, metrics unread|Failing, rests/);
    }
  });
  await tests.check(`${with_}, a replica is drained, and the last one is not`, async () => {
    await row(NOBODY).getByRole("button", { name: `Drain ${NOBODY}` }).click();
    await page.getByText("It gets no new calls").waitFor();
    await row(NOBODY).getByText("Draining").first().waitFor();
    const other = await simulatorOf(page);
    await row(other).getByRole("button", { name: `Drain ${other}` }).click();
    await page.getByText("that would leave no replica to take calls").waitFor();
  });
  if (with_.startsWith("with JavaScript")) await follow({ tests, visit });
  await tests.check(`${with_}, it is let work again`, async () => {
    await row(NOBODY).getByRole("button", { name: `Let it work again ${NOBODY}` }).click();
    await page.getByText("It gets calls again.").waitFor();
    assert.equal(await row(NOBODY).getByRole("button", { name: `Drain ${NOBODY}` }).count(), 1);
  });
}

/** The address of the row that is not nobody's. */
async function simulatorOf(page) {
  const all = await page.locator("tbody th code").allTextContents();
  return all.find((address) => address !== NOBODY);
}

async function follow({ tests, visit }) {
  const { page } = visit;
  const at = () => page.locator(".stat").filter({ hasText: "As of" }).locator("dd").first().textContent();
  await tests.check("looking again shows the replicas as they are then", async () => {
    await until("a second later", async () => {
      const before = await at();
      await visit.main("link", "Look again").click();
      await visit.main("heading", "Replicas").waitFor();
      return (await at()) !== before;
    }, 8);
  });
  await tests.check("the page of replicas looks right", () => look(visit, "operator-replicas"));
}

async function urgency({ tests, visit }, with_) {
  const { page } = visit;
  await tests.check(`${with_}, a plan says how urgent its calls are`, async () => {
    await visit.open("/admin/products");
    await page.locator("tbody th a").first().click();
    await page.locator("tbody th a").first().click();
    const save = () => page.locator("form[action$='/terms']").getByRole("button", { name: "Save" }).click();
    await page.getByLabel("Priority").fill("12");
    await save();
    await page.locator("#problem").getByText("use 0 to 9: calls of 9 go first").waitFor();
    assert.equal(await page.getByLabel("Priority").inputValue(), "12");
    for (const value of ["7", "0"]) {
      await page.getByLabel("Priority").fill(value);
      await save();
      await page.locator("#problem").waitFor({ state: "detached" });
      assert.equal(await page.getByLabel("Priority").inputValue(), value);
    }
  });
}

export async function run({ browser, tests, stack }) {
  for (const js of [false, true]) {
    const with_ = js ? "with JavaScript" : "without JavaScript";
    const visit = await as(browser, stack.operator, { javaScriptEnabled: js });
    await make({ tests, visit, stack }, `Our GPUs, ${with_}`, with_);
    if (js) await tests.check("a provider with a pool looks right", () => look(visit, "operator-pool"));
    await drain({ tests, visit }, with_);
    await urgency({ tests, visit }, with_);
    await tests.check(`${with_}, no page of pools complained`, () => assert.deepEqual(visit.take(), []));
    await visit.end();
  }
}
