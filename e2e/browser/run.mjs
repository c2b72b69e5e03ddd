// Runs the journeys one after another and counts what held.

import { launch } from "./lib/browser.mjs";
import { Tests } from "./lib/tests.mjs";
import { stack } from "./lib/stack.mjs";
import * as budgets from "./journeys/budgets.mjs";
import * as keys from "./journeys/keys.mjs";
import * as lifecycle from "./journeys/lifecycle.mjs";
import * as limits from "./journeys/limits.mjs";
import * as money from "./journeys/money.mjs";
import * as pages from "./journeys/pages.mjs";
import * as pools from "./journeys/pools.mjs";
import * as prices from "./journeys/prices.mjs";
import * as routes from "./journeys/routes.mjs";
import * as session from "./journeys/session.mjs";
import * as stranger from "./journeys/stranger.mjs";
import * as tariffs from "./journeys/tariffs.mjs";
import * as tenants from "./journeys/tenants.mjs";

const journeys = {
  stranger,
  session,
  keys,
  tenants,
  prices,
  tariffs,
  budgets,
  limits,
  money,
  routes,
  lifecycle,
  pools,
  pages,
};
const wanted = process.argv.slice(2);
for (const name of wanted) {
  if (!journeys[name]) {
    console.error(`there is no journey ${name}; there are: ${Object.keys(journeys).join(" ")}`);
    process.exit(2);
  }
}

const tests = new Tests();
const browser = await launch();
try {
  for (const [name, journey] of Object.entries(journeys)) {
    if (wanted.length && !wanted.includes(name)) continue;
    console.log(`${name}:`);
    await tests.check(`the journey "${name}" comes to its end`, () =>
      journey.run({ browser, tests, stack: stack() }));
  }
} finally {
  await browser.close();
}
console.log(`${tests.passed} passed, ${tests.failed} failed`);
process.exitCode = tests.failed ? 1 : 0;
