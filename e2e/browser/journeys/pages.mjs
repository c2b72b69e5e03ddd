// Every page, as a visitor, a member and the operator see it: in light, in dark and 320 pixels
// wide. axe finds nothing, nothing is wider than the screen, nothing complains; a screenshot each.

import assert from "node:assert/strict";
import { AxeBuilder } from "@axe-core/playwright";
import { Visit } from "../lib/browser.mjs";
import { crawl } from "../lib/crawl.mjs";
import { as, createKey, member } from "../lib/people.mjs";
import { screenshot } from "../lib/stack.mjs";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const FORMS = {
  light: { colorScheme: "light" },
  dark: { colorScheme: "dark" },
  narrow: { colorScheme: "light", viewport: { width: 320, height: 640 } },
};

// The same page in another colour or width: only the rules that can then come out differently.
const RULES = {
  dark: ["color-contrast", "link-in-text-block"],
  narrow: ["target-size", "scrollable-region-focusable", "color-contrast"],
};

async function axe(visit, form) {
  const axe = new AxeBuilder({ page: visit.page });
  const { violations } = await (RULES[form] ? axe.withRules(RULES[form]) : axe.withTags(TAGS)).analyze();
  return violations.map(({ id, nodes }) =>
    `${id}: ${nodes.slice(0, 3).map((node) => node.target.join(" ")).join(", ")}`);
}

/** What is wrong with the page that is open. */
async function wrong(visit, form) {
  const found = visit.take();
  found.push(...(await axe(visit, form)));
  const [wide, screen] = await visit.page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  if (wide > screen) found.push(`${wide} pixels wide on a screen of ${screen}`);
  const headings = await visit.page.getByRole("heading", { level: 1 }).count();
  if (headings !== 1) found.push(`${headings} headings of the first level`);
  // What axe itself does to the page is not the page's complaint.
  visit.take();
  return found.map((what) => `${form}: ${what}`);
}

const slug = (kind) => kind.replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") || "start";

async function each({ tests, who, visitAs, paths }) {
  for (const { path, kind, status } of paths) {
    await tests.check(`${who}: ${kind}`, async () => {
      assert.ok(status < 400, `status ${status}`);
      const problems = [];
      for (const [form, options] of Object.entries(FORMS)) {
        const visit = await visitAs(options);
        await visit.open(path);
        await visit.page.screenshot({
          path: screenshot(`${who}-${slug(kind)}-${form}`),
          fullPage: true,
        });
        problems.push(...(await wrong(visit, form)));
      }
      assert.deepEqual(problems, []);
    });
  }
}

/** One browser context per form, kept for all pages of one person. */
function wardrobe(open) {
  const visits = new Map();
  const visitAs = async (options) => {
    const name = JSON.stringify(options);
    if (!visits.has(name)) visits.set(name, await open(options));
    return visits.get(name);
  };
  const end = async () => {
    for (const visit of visits.values()) await visit.end();
  };
  return { visitAs, end };
}

async function tour({ browser, tests, stack }, who, person, starts) {
  const open = (options) =>
    person ? as(browser, person, options) : Visit.start(browser, stack.portal_url, options);
  const { visitAs, end } = wardrobe(open);
  const guide = await visitAs(FORMS.light);
  const found = new Map();
  for (const start of starts) {
    for (const page of await crawl(guide, start, 80)) found.set(page.kind, found.get(page.kind) ?? page);
  }
  guide.take();
  const visitorPages = /^\/(docs|login|signup|catalog|$)/;
  const paths = [...found.values()].filter(({ kind }) => !person || !visitorPages.test(kind));
  await each({ tests, who, visitAs, paths });
  await end();
}

/** Pages that no link leads to: the key just made, and a page that is not there. */
async function hidden({ browser, tests, stack }) {
  const developer = member(0, "developer");
  for (const [form, options] of Object.entries(FORMS)) {
    await tests.check(`developer: a key just made, ${form}`, async () => {
      const visit = await as(browser, developer, options);
      await createKey(visit, `/o/${developer.slug}`, `Shown ${form}`);
      await visit.page.screenshot({
        path: screenshot(`developer-key-just-made-${form}`),
        fullPage: true,
        mask: [visit.page.locator(".reveal code"), visit.page.locator(".code")],
      });
      assert.deepEqual(await wrong(visit, form), []);
      await visit.end();
    });
    await tests.check(`visitor: a page that is not there, ${form}`, async () => {
      const visit = await Visit.start(browser, stack.portal_url, options);
      const answer = await visit.open("/there/is/nothing/here");
      assert.equal(answer.status(), 404);
      await visit.page.screenshot({ path: screenshot(`visitor-not-there-${form}`), fullPage: true });
      assert.deepEqual(await wrong(visit, form), []);
      await visit.end();
    });
  }
}

export async function run(world) {
  const { stack } = world;
  const owner = member(0, "owner");
  await tour(world, "visitor", null, ["/", "/signup", "/login", "/signup/sent"]);
  await tour(world, "owner", owner, [`/o/${owner.slug}`, "/orgs", "/account"]);
  const finance = member(0, "finance");
  await tour(world, "finance", finance, [`/o/${finance.slug}`]);
  await tour(world, "operator", stack.operator, ["/admin/providers", "/admin/models", "/admin/products", "/admin/dead-letters"]);
  await hidden(world);
}
