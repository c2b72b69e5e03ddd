// Signing in and out, and what stands in the way of those who should not get in.

import assert from "node:assert/strict";
import { Visit } from "../lib/browser.mjs";
import { member, signIn } from "../lib/people.mjs";

export async function run({ browser, tests, stack }) {
  const owner = member(0, "owner");
  for (const js of [true, false]) {
    const with_ = js ? "with JavaScript" : "without JavaScript";
    const options = { javaScriptEnabled: js };

    await tests.check(`${with_}, a wrong password is refused, the address kept, the password not`, async () => {
      const visit = await Visit.start(browser, stack.portal_url, options);
      await visit.open("/login");
      await visit.page.getByLabel("E-mail address").fill(owner.email);
      await visit.page.getByLabel("Password").fill("not the password");
      await visit.main("button", "Sign in").click();
      await visit.page.locator("#problem").waitFor();
      assert.equal(await visit.page.getByLabel("E-mail address").inputValue(), owner.email);
      assert.equal(await visit.page.getByLabel("Password").inputValue(), "");
      assert.ok(!visit.page.url().includes("not%20the"), "nothing typed is in the address");
      assert.deepEqual(visit.take(), []);
      await visit.end();
    });

    await tests.check(`${with_}, signing out ends the session, also for whoever kept the cookie`, async () => {
      const visit = await signIn(browser, owner, options);
      const kept = await visit.context.storageState();
      await visit.the("button", "Sign out").click();
      await visit.main("heading", "Sign in").waitFor();
      await visit.open(`/o/${owner.slug}`);
      assert.equal(visit.path(), "/login");
      assert.deepEqual(visit.take(), []);
      await visit.end();
      const thief = await Visit.start(browser, stack.portal_url, { ...options, storageState: kept });
      await thief.open(`/o/${owner.slug}`);
      assert.equal(thief.path(), "/login");
      await thief.end();
    });
  }

  await tests.check("after signing in one is where one wanted to go", async () => {
    const visit = await Visit.start(browser, stack.portal_url);
    await visit.open(`/o/${owner.slug}/keys`);
    assert.equal(visit.path(), "/login");
    await visit.page.getByLabel("E-mail address").fill(owner.email);
    await visit.page.getByLabel("Password").fill(owner.password);
    await visit.main("button", "Sign in").click();
    await visit.main("heading", "Keys").waitFor();
    assert.equal(visit.path(), `/o/${owner.slug}/keys`);
    await visit.end();
  });

  await tests.check("a tampered session cookie is nobody's session", async () => {
    const visit = await signIn(browser, owner);
    const cookies = await visit.context.cookies();
    const session = cookies.find((cookie) => cookie.name === "__Host-tollgate_session");
    assert.ok(session?.httpOnly && session.secure && session.sameSite === "Lax", JSON.stringify(session));
    const value = session.value.replace(/.$/, (last) => (last === "A" ? "B" : "A"));
    await visit.context.addCookies([{ ...session, value }]);
    await visit.open(`/o/${owner.slug}`);
    assert.equal(visit.path(), "/login");
    await visit.end();
  });

  await tests.check("a form posted from another site is refused", async () => {
    const visit = await signIn(browser, owner);
    const answer = await visit.context.request.post(`${visit.base}/o/${owner.slug}/keys`, {
      headers: { origin: "http://evil.test", "sec-fetch-site": "cross-site" },
      form: { name: "stolen", env: "live" },
    });
    assert.equal(answer.status(), 403);
    await visit.end();
  });
}
