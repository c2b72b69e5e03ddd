// A page that is open, looked at as people see it.

import assert from "node:assert/strict";
import { AxeBuilder } from "@axe-core/playwright";
import { screenshot } from "./stack.mjs";

const FORMS = {
  light: { colorScheme: "light", width: 1280 },
  dark: { colorScheme: "dark", width: 1280 },
  narrow: { colorScheme: "light", width: 320 },
};

/** The page that is open in light, dark and 320 pixels wide: axe finds nothing, nothing is wider than
 *  the screen; a screenshot each. */
export async function look(visit, name) {
  const found = [];
  for (const [form, { colorScheme, width }] of Object.entries(FORMS)) {
    // Without transitions: they would still run while axe looks.
    await visit.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await visit.page.setViewportSize({ width, height: 900 });
    await visit.page.screenshot({ path: screenshot(`${name}-${form}`), fullPage: true });
    const { violations } = await new AxeBuilder({ page: visit.page }).analyze();
    found.push(...violations.map(({ id }) => `${form}: ${id}`));
    const wide = await visit.page.evaluate(() => document.documentElement.scrollWidth);
    if (wide > width) found.push(`${form}: ${wide} pixels wide`);
  }
  await visit.page.emulateMedia({ colorScheme: "light" });
  await visit.page.setViewportSize({ width: 1280, height: 900 });
  visit.take();
  assert.deepEqual(found, []);
}
