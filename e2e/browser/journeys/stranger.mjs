// A stranger signs up, confirms the address, makes a key and calls a model with exactly what the
// page shows; the home page turns green, and usage and costs hold the call to the nano-dollar.
// With and without JavaScript.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Visit } from "../lib/browser.mjs";
import { followMail, signUp, somebody } from "../lib/people.mjs";
import { cost, nanos } from "../lib/stack.mjs";
import { until } from "../lib/tests.mjs";

const CLICKS_MAX = 8;
const shell = promisify(execFile);

/** Runs the command that the page shows, with only `-i` added, to see head and body. */
async function runShown(command) {
  assert.match(command, /^curl /);
  const { stdout } = await shell("bash", ["-c", command.replace(/^curl /, "curl -sS -i ")]);
  const [head, body] = stdout.split("\r\n\r\n");
  return {
    status: Number(head.split(" ")[1]),
    requestId: /^x-request-id: (\S+)/im.exec(head)?.[1],
    answer: JSON.parse(body),
  };
}

async function journey({ browser, tests, stack }, js) {
  const with_ = js ? "with JavaScript" : "without JavaScript";
  const began = Date.now();
  const visit = await Visit.start(browser, stack.portal_url, { javaScriptEnabled: js });
  const person = somebody(js ? "Ada" : "Grace");
  await signUp(visit, person);
  const home = await followMail(visit, person);

  const watcher = js ? await visit.context.newPage() : null;
  await visit.click(visit.main("button", "Create key"));
  await visit.main("heading", "Your new key").waitFor();
  const secret = (await visit.page.locator(".reveal code").textContent()).trim();
  const shown = (await visit.page.getByRole("region", { name: "curl with the key" }).textContent()).trim();
  assert.ok(shown.includes(secret), "the command holds the key that is shown");
  if (watcher) {
    visit.watch(watcher);
    await watcher.goto(visit.base + home);
    await watcher.getByText("Waiting for your first call").waitFor();
  }

  const { value: call } = await until("the new key reaches the gateway", async () => {
    const call = await runShown(shown);
    return call.status !== 401 && call;
  });
  const seconds = (Date.now() - began) / 1000;
  await tests.check(`${with_}, the command exactly as shown answers with 200`, () => {
    assert.equal(call.status, 200, JSON.stringify(call.answer));
    return call.answer.choices[0].message.content.slice(0, 40);
  });
  await tests.check(`${with_}, a stranger gets there in at most ${CLICKS_MAX} clicks`, () => {
    assert.ok(visit.clicks <= CLICKS_MAX, `${visit.clicks} clicks`);
    return `${visit.clicks} clicks, ${seconds.toFixed(1)} s`;
  });
  await tests.check(`${with_}, the home page shows the first call`, async () => {
    if (watcher) {
      await watcher.getByText("Your first call came through.").waitFor({ timeout: 10_000 });
      assert.equal(await watcher.locator("[data-onboarding][data-called]").count(), 1, "green");
    } else {
      // Nothing renews the page by itself here: a reader loads it again.
      await until("the call on the home page", async () => {
        await visit.open(home);
        const greeted = visit.page.getByText("came through").or(visit.main("heading", "Home"));
        return (await greeted.count()) > 0;
      });
    }
  });
  await sums(visit, tests, home, call, with_);
  await tests.check(`${with_}, no page complained`, () => assert.deepEqual(visit.take(), []));
  await visit.end();
}

/** The call in usage, in costs, and as a single request. */
async function sums(visit, tests, home, call, with_) {
  const { used, nanos: expected } = await cost(call.requestId, call.answer.model);
  await tests.check(`${with_}, costs show the call to the nano-dollar within 5 s`, async () => {
    const { took } = await until("the call in costs", async () => {
      await visit.open(`${home}/costs`);
      return nanos(await stat(visit, "Total")) === expected;
    });
    return `${expected} nano-dollars, ${took.toFixed(1)} s`;
  });
  await tests.check(`${with_}, usage shows the tokens that the provider counted`, async () => {
    await visit.open(`${home}/usage`);
    const shown = async (label) => Number((await stat(visit, label)).replaceAll(",", ""));
    assert.equal(await shown("Calls"), 1);
    assert.equal(await shown("Input tokens"), used.input + used.cached_input);
    assert.equal(await shown("Output tokens"), used.output + used.reasoning);
  });
  await tests.check(`${with_}, the single request can be found by its id`, async () => {
    await visit.open(`${home}/requests/${call.requestId}`);
    await visit.page.locator("main").getByText(call.requestId).first().waitFor();
  });
}

/** The figure of the tile with this label. */
async function stat(visit, label) {
  const tile = visit.page.locator("main .stat").filter({
    has: visit.page.getByText(label, { exact: true }),
  });
  return (await tile.locator(".stat-value").first().textContent()).trim();
}

export async function run(world) {
  await journey(world, true);
  await journey(world, false);
}
