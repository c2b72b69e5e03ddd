// The running stack: its demo.json, the mailbox, the simulator's count, and prices.

import { readFileSync, mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
const folder = resolve(root, process.env.TOLLGATE_VAR || "var");

let read;
/** What `make up` wrote. */
export function stack() {
  read ??= JSON.parse(readFileSync(join(folder, "demo.json"), "utf8"));
  return read;
}

/** The file a screenshot goes to. */
export function screenshot(name) {
  const shots = join(folder, "screenshots");
  mkdirSync(shots, { recursive: true });
  return join(shots, `${name}.png`);
}

/** JSON of an address; anything but 2xx throws. */
export async function json(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

/** Nano-dollars of `$1,234.50`, exactly. */
export function nanos(shown) {
  const match = /^\s*([−-]?)\$?([\d,]+)(?:\.(\d{1,9}))?\s*$/.exec(shown);
  if (!match) throw new Error(`"${shown}" is not an amount of money`);
  const [, sign, whole, fraction = ""] = match;
  const value = BigInt(whole.replaceAll(",", "") + fraction.padEnd(9, "0"));
  return sign ? -value : value;
}

/** What a model costs: nano-dollars per million tokens of each class, from the public catalogue. */
export async function price(model) {
  const { items } = await json(`${stack().api_url}/v1/catalog?limit=100`);
  const product = items.find((item) => item.model_names.includes(model));
  const detail = await json(`${stack().api_url}/v1/catalog/${product.slug}`);
  const found = detail.models.find((item) => item.name === model).price;
  const of = (text, base) => (text == null ? base : nanos(text));
  const input = nanos(found.input_usd);
  const output = nanos(found.output_usd);
  return {
    input,
    output,
    cached: of(found.cached_input_usd, input),
    reasoning: of(found.reasoning_usd, output),
    call: nanos(found.per_call_usd),
  };
}

/** What a call must cost by the simulator's own count: summed first, rounded once, half up. */
export async function cost(requestId, model) {
  const used = await json(`${stack().simulator_url}/_sim/requests?id=${requestId}`);
  const rate = await price(model);
  const millionths =
    BigInt(used.input) * rate.input +
    BigInt(used.cached_input) * rate.cached +
    BigInt(used.output) * rate.output +
    BigInt(used.reasoning) * rate.reasoning +
    rate.call * 1_000_000n;
  return { used, nanos: (millionths + 500_000n) / 1_000_000n };
}
