// Two organisations never see each other: every address that holds something of one is, for the
// other, exactly an address that does not exist.

import assert from "node:assert/strict";
import { crawl } from "../lib/crawl.mjs";
import { as, member } from "../lib/people.mjs";

/** What a page says, without what differs from answer to answer. */
async function said(visit, path) {
  const answer = await visit.open(path);
  const text = await visit.page.locator("main").innerText();
  // Each answer has an id of its own, and a button beside it that comes with its script.
  const same = text.replace(/call_[0-9a-v]{26}(\s*Copy\s*Copy Request id)?/g, "call_…");
  return { status: answer.status(), text: same };
}

export async function run({ browser, tests }) {
  const [ours, theirs] = [member(0, "owner"), member(1, "owner")];
  const owner = await as(browser, ours);
  const found = await crawl(owner, `/o/${ours.slug}`, 60);
  const mine = found.map((page) => page.path).filter((path) => path.startsWith(`/o/${ours.slug}`));
  await owner.end();

  const other = await as(browser, theirs);
  await tests.check("every page of one organisation is, for the other, one that does not exist", async () => {
    assert.ok(mine.length >= 8, `only ${mine.length} pages found: ${mine}`);
    const nowhere = await said(other, "/o/there-is-no-such-organisation");
    assert.equal(nowhere.status, 404);
    for (const path of mine) assert.deepEqual(await said(other, path), nowhere, path);
    return `${mine.length} pages`;
  });
  await tests.check("an object of one organisation is not found under the other's name", async () => {
    const swapped = mine
      .filter((path) => /_[0-9a-v]{26}/.test(path))
      .map((path) => path.replace(`/o/${ours.slug}`, `/o/${theirs.slug}`));
    assert.ok(swapped.length > 0, "no page with an id was found");
    for (const path of swapped) {
      const { status } = await said(other, path);
      assert.equal(status, 404, path);
    }
    return `${swapped.length} pages`;
  });
  await other.end();
}
