// Finding every page by following links, one of each kind: ids and dates do not make a new kind.

const SKIPPED = /\/logout|\.csv|\/assets\/|\/first-call|\/keys\/created\//;

/** The kind of a page: its path with ids and free names taken out. */
export function kind(path) {
  return path
    .replace(/\?.*/, "")
    .replace(/\b[a-z]+_[0-9a-v]{26}\b/g, ":id")
    .replace(/^\/o\/[^/]+/, "/o/:org")
    .replace(/^(\/o\/:org)?\/catalog\/[^/]+/, "$1/catalog/:product")
    .replace(/^\/admin\/orgs\/[^/]+/, "/admin/orgs/:org")
    .replace(/^\/docs\/errors\/.+/, "/docs/errors/:code");
}

/** Pages reachable from `start` on the visit's own origin; at most `most` kinds. `path` and `status`
 *  of each. */
export async function crawl(visit, start, most) {
  const queue = [start];
  const seen = new Map();
  while (queue.length && seen.size < most) {
    const path = queue.shift();
    if (seen.has(kind(path))) continue;
    const answer = await visit.open(path);
    seen.set(kind(path), { path, kind: kind(path), status: answer.status() });
    const links = await visit.page.locator("a[href]").evaluateAll((all) => all.map((a) => a.href));
    for (const link of links) {
      const url = new URL(link);
      const next = url.pathname + url.search;
      if (url.origin === visit.base && !SKIPPED.test(next) && !seen.has(kind(next))) queue.push(next);
    }
  }
  return [...seen.values()];
}
