// Chromium, and visits in it: a visit counts clicks and notes everything a page complains about.

import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export async function launch() {
  const executablePath = process.env.CHROMIUM || PLACES.find((place) => existsSync(place));
  if (!executablePath) throw new Error(`no Chromium at ${PLACES.join(", ")}; set CHROMIUM`);
  return chromium.launch({ executablePath, args: FLAGS });
}

/** One person's browser. */
export class Visit {
  clicks = 0;
  complaints = [];

  /** `options` are Playwright's for a context, such as `javaScriptEnabled` and `colorScheme`. */
  static async start(browser, base, options = {}) {
    const visit = new Visit();
    visit.base = base.replace(/\/$/, "");
    visit.context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    visit.context.setDefaultTimeout(15_000);
    visit.page = await visit.context.newPage();
    visit.watch(visit.page);
    return visit;
  }

  /** Notes console errors, exceptions and policy violations. A status of 4xx that a page was
   *  opened with on purpose is the test's own business, so failed loads count only for parts. */
  watch(page) {
    const say = (what) => this.complaints.push(`${new URL(page.url()).pathname}: ${what}`);
    page.on("console", (message) => {
      const failedPage = message.text().startsWith("Failed to load resource");
      if (message.type() === "error" && !failedPage) say(message.text());
      if (message.type() === "warning" && /preload|policy/i.test(message.text())) say(message.text());
    });
    page.on("pageerror", (error) => say(`exception ${error.message}`));
    page.on("response", (response) => {
      if (response.status() >= 400 && !response.request().isNavigationRequest()) {
        say(`${response.status()} for ${response.url()}`);
      }
    });
  }

  /** Opens an address of the portal; the response. */
  open(path) {
    return this.page.goto(path.startsWith("http") ? path : this.base + path);
  }

  /** One click of the person. */
  async click(locator) {
    this.clicks += 1;
    await locator.click();
  }

  /** The one control with this role and name. */
  the(role, name) {
    return this.page.getByRole(role, { name, exact: true });
  }

  /** In the page's own part, without header and rail. */
  main(role, name) {
    return this.page.locator("main").getByRole(role, { name, exact: true });
  }

  path() {
    return new URL(this.page.url()).pathname;
  }

  /** Complaints so far, and forgets them. */
  take() {
    return this.complaints.splice(0);
  }

  end() {
    return this.context.close();
  }
}
