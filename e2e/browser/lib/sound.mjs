// What must hold of every page that a journey looks at.

import assert from "node:assert/strict";
import { AxeBuilder } from "@axe-core/playwright";
import { screenshot } from "./stack.mjs";

/** A context's options for the narrowest screen. */
export const NARROW = { viewport: { width: 320, height: 640 } };

/** What is wrong with the open page, besides what axe finds. */
export async function sound(visit, name) {
  await visit.page.screenshot({ path: screenshot(name), fullPage: true });
  const { violations } = await new AxeBuilder({ page: visit.page }).analyze();
  assert.deepEqual(violations.map((found) => `${found.id}: ${found.nodes[0].html}`), []);
  const wide = await visit.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${wide} pixels wider than the screen`);
  assert.deepEqual(visit.take(), []);
}

export async function unfold(visit, summary) {
  await visit.page.locator("summary").filter({ hasText: new RegExp(`^${summary}$`) }).first().click();
}
