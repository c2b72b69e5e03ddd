// Anthropic's SDK for Node.js, unchanged, against the gateway: answers, streams, tools, thoughts
// with their signatures, structured output, and its own typed errors.

import assert from "node:assert/strict";
import Anthropic from "@anthropic-ai/sdk";
import {
  CHAT, CITIES, GATEWAY, HELLO, RESULT, SCHEMA, SIGNING, WEATHER,
  check, counted, end, key, play, saying, served, throws,
} from "./stack.mjs";

const TOOLS = [{ name: "get_weather", description: "The weather.", input_schema: SCHEMA }];

const client = (name = "good") =>
  new Anthropic({ baseURL: GATEWAY, apiKey: key(name), maxRetries: 0, timeout: 20_000 });
const body = (model, prompt = HELLO, more = {}) =>
  ({ model, max_tokens: 500, messages: [{ role: "user", content: prompt }], ...more });
const ask = (model, prompt, more, name) => client(name).messages.create(body(model, prompt, more));

const textOf = (message) =>
  message.content.filter((block) => block.type === "text").map((block) => block.text).join("");
const inputOf = (usage) => usage.input_tokens + (usage.cache_read_input_tokens ?? 0)
  + (usage.cache_creation_input_tokens ?? 0);

async function plain(model) {
  const { data, response } = await client().messages.create(body(model)).withResponse();
  assert.match(textOf(data), /simulator/);
  assert.deepEqual([data.model, data.stop_reason], [model, "end_turn"]);
  const id = response.headers.get("x-request-id");
  await counted(id, inputOf(data.usage), data.usage.output_tokens);
}

async function streamed(model) {
  const stream = client().messages.stream(body(model));
  const kinds = [];
  for await (const event of stream) kinds.push(event.type);
  const message = await stream.finalMessage();
  assert.deepEqual([kinds.at(0), kinds.at(-1)], ["message_start", "message_stop"]);
  assert.equal(textOf(message), textOf(await ask(model)));
  assert.ok(message.usage.output_tokens > 0);
}

const whole = (request) => client().messages.create(request);
const gathered = (request) => client().messages.stream(request).finalMessage();

async function loop(model, way, prompt, more) {
  const first = await way(body(model, prompt, { tools: TOOLS, ...more }));
  assert.equal(first.stop_reason, "tool_use");
  const calls = first.content.filter((block) => block.type === "tool_use");
  const results = calls.map(({ id }) => ({ type: "tool_result", tool_use_id: id, content: RESULT }));
  const messages = [
    ...body(model, prompt).messages,
    { role: "assistant", content: first.content },
    { role: "user", content: results },
  ];
  const request = body(model, prompt, { tools: TOOLS, ...more, messages });
  const { data, response } = await client().messages.create(request).withResponse();
  assert.ok(textOf(data).includes(RESULT));
  return [first, calls, await served(response.headers.get("x-request-id"))];
}

async function tools(model) {
  for (const way of [whole, gathered]) {
    const [, calls] = await loop(model, way, saying("calls=2", WEATHER));
    assert.deepEqual(calls.map((call) => call.input), CITIES);
  }
}

async function structured(model) {
  const output_config = { format: { type: "json_schema", schema: SCHEMA } };
  assert.deepEqual(JSON.parse(textOf(await ask(model, WEATHER, { output_config }))), CITIES[0]);
}

async function thoughts(model) {
  const more = { thinking: { type: "enabled", budget_tokens: 1024 }, max_tokens: 4000 };
  for (const way of [whole, gathered]) {
    const prompt = saying("reasoning_tokens=7 calls=1", WEATHER);
    const [first, , count] = await loop(model, way, prompt, more);
    // A provider that signs calls has the signature carried by a thought before the call.
    assert.ok(first.content.some((block) => block.type === "thinking" && block.signature));
    assert.ok(count.signatures >= 1, "no signature came back to the provider");
  }
}

/** `call` must throw exactly the SDK's own error for `status`, told in the vendor's form. */
async function refused(kind, status, code, call) {
  const error = await throws(kind, call);
  assert.equal(error.headers.get("x-tollgate-error-code"), code);
  assert.deepEqual([error.status, error.error.type], [status, "error"]);
  assert.ok(error.error.error.message, "a refusal carries a sentence");
}

async function failures(model) {
  await refused(Anthropic.RateLimitError, 429, "upstream.rate_limited", () =>
    ask(model, saying("status=429 retry_after=2")));
  await refused(Anthropic.InternalServerError, 502, "upstream.failed", () =>
    ask(model, saying("status=500")));
}

async function cutStream(model) {
  const prompt = saying("chunks=20 tokens=20 chunk_delay_ms=5 cut_after=4");
  let seen = 0;
  const read = async () => {
    for await (const event of await ask(model, prompt, { stream: true })) {
      if (event.type === "content_block_delta") seen += 1;
    }
  };
  await assert.rejects(read(), Anthropic.APIError);
  assert.equal(seen, 4);
}

await play([
  ["a plain answer, and its usage is what the provider counted", plain],
  ["a stream says the same, in order", streamed],
  ["two tools are called at once and their results come back", tools],
  ["structured output fits its schema", structured],
  ["its failures throw RateLimitError and InternalServerError", failures],
  ["a stream that it cuts throws instead of ending", cutStream],
]);
await play([["thoughts are signed, and their signatures return", thoughts]], SIGNING);
await check("a revoked key throws AuthenticationError", () =>
  refused(Anthropic.AuthenticationError, 401, "key.revoked", () => ask(CHAT, HELLO, {}, "revoked")));
await check("an unknown model throws NotFoundError", () =>
  refused(Anthropic.NotFoundError, 404, "model.unknown", () => ask("no-such-model")));
await check("an app without a subscription throws PermissionDeniedError", () =>
  refused(Anthropic.PermissionDeniedError, 403, "subscription.missing", () =>
    ask(CHAT, HELLO, {}, "unsubscribed")));
await check("messages of the wrong type throw BadRequestError", () =>
  refused(Anthropic.BadRequestError, 400, "request.malformed", () =>
    ask(CHAT, HELLO, { messages: "not a list" })));
await check("our own request limit throws RateLimitError", async () => {
  await ask(CHAT, HELLO, {}, "limited");
  await refused(Anthropic.RateLimitError, 429, "limit.requests", () => ask(CHAT, HELLO, {}, "limited"));
});

end();
