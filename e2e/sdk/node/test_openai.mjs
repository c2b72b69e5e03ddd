// OpenAI's SDK for Node.js, unchanged, against the gateway: answers, streams, and its own typed
// errors for every refusal.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import OpenAI from "openai";

const set = JSON.parse(readFileSync(process.env.TOLLGATE_SDK, "utf8"));
const { chat_model: CHAT, embedding_model: EMBEDDING } = set;

const client = (key = "good") =>
  new OpenAI({
    baseURL: `${set.gateway_url}/v1`,
    apiKey: set.keys[key] ?? key,
    maxRetries: 0,
    timeout: 20_000,
  });

const saying = (switches) => [{ role: "user", content: `Say hello. [[sim ${switches}]]` }];
const body = (more) => ({ model: CHAT, messages: [{ role: "user", content: "Say hello." }], ...more });
const ask = (more, key) => client(key).chat.completions.create(body(more));

async function served(requestId) {
  const answer = await fetch(`${set.simulator_url}/_sim/requests?id=${requestId}`);
  assert.equal(answer.status, 200, `the simulator knows no ${requestId}`);
  return answer.json();
}

/** `call` must throw exactly the SDK's own error for `status`, with our code in it. */
async function refused(kind, status, code, call) {
  try {
    await call();
  } catch (error) {
    assert.equal(error.constructor.name, kind.name, `${error}`);
    assert.deepEqual([error.status, error.code], [status, code]);
    assert.ok(error.message && error.requestID, "a refusal carries a sentence and a request id");
    return error;
  }
  return assert.fail(`nothing was thrown, wanted ${kind.name}`);
}

let passed = 0;
let failed = 0;
async function check(name, run) {
  try {
    const said = await run();
    passed += 1;
    console.log(`ok      ${name}${typeof said === "string" ? `  (${said})` : ""}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}\n        ${error.stack ?? error}`);
  }
}

await check("a plain chat answers and its usage is what the provider counted", async () => {
  const { data, request_id: id } = await client().chat.completions.create(body()).withResponse();
  const count = await served(id);
  assert.ok(data.choices[0].message.content);
  assert.equal(data.usage.completion_tokens, count.output + count.reasoning);
  assert.equal(data.usage.prompt_tokens, count.input + count.cached_input);
  assert.equal(data.model, CHAT);
});

await check("a streamed chat says the same and carries no usage unasked", async () => {
  let text = "";
  for await (const chunk of await ask({ stream: true })) {
    assert.ok(!chunk.usage, "usage was not asked for");
    text += chunk.choices[0]?.delta.content ?? "";
  }
  assert.equal(text, (await ask()).choices[0].message.content);
});

await check("usage in a stream is what the provider counted", async () => {
  const more = { stream: true, stream_options: { include_usage: true } };
  const { data, request_id: id } = await client().chat.completions.create(body(more)).withResponse();
  let last;
  for await (const chunk of data) last = chunk;
  const count = await served(id);
  assert.deepEqual(last.choices, []);
  assert.equal(last.usage.completion_tokens, count.output);
  assert.equal(last.usage.prompt_tokens, count.input);
});

await check("max_completion_tokens ends an answer with length", async () => {
  const answer = await ask({ max_completion_tokens: 3 });
  assert.equal(answer.usage.completion_tokens, 3);
  assert.equal(answer.choices[0].finish_reason, "length");
});

await check("embeddings come as vectors, the same for the same text", async () => {
  const embed = (input) => client().embeddings.create({ model: EMBEDDING, input, dimensions: 16 });
  const many = await embed(["one", "two"]);
  assert.deepEqual(many.data.map((row) => row.embedding.length), [16, 16]);
  assert.ok(many.usage.prompt_tokens > 0);
  assert.deepEqual((await embed("one")).data[0].embedding, many.data[0].embedding);
});

await check("the model list holds what the app is subscribed to, and nothing else", async () => {
  const ids = async (key) => (await client(key).models.list()).data.map((model) => model.id);
  const good = await ids("good");
  assert.ok(good.includes(CHAT) && good.includes(EMBEDDING), `${good}`);
  assert.deepEqual(await ids("unsubscribed"), []);
});

await check("a malformed key throws AuthenticationError", () =>
  refused(OpenAI.AuthenticationError, 401, "key.malformed", () => ask({}, "sk-wrong")));
await check("a revoked key throws AuthenticationError", () =>
  refused(OpenAI.AuthenticationError, 401, "key.revoked", () => ask({}, "revoked")));
await check("an unknown model throws NotFoundError", () =>
  refused(OpenAI.NotFoundError, 404, "model.unknown", () => ask({ model: "no-such-model" })));
await check("an app without a subscription throws PermissionDeniedError", () =>
  refused(OpenAI.PermissionDeniedError, 403, "subscription.missing", () => ask({}, "unsubscribed")));
await check("a body without messages throws BadRequestError", () =>
  assert.rejects(ask({ messages: "not a list" }), OpenAI.BadRequestError));
await check("a provider's rate limit throws RateLimitError", () =>
  refused(OpenAI.RateLimitError, 429, "upstream.rate_limited", () =>
    ask({ messages: saying("status=429 retry_after=2") })));
await check("our own request limit throws RateLimitError and says when", async () => {
  await ask({}, "limited");
  const error = await refused(OpenAI.RateLimitError, 429, "limit.requests", () => ask({}, "limited"));
  assert.ok(Number(error.headers.get("retry-after")) >= 1, "Retry-After says when");
});
await check("a spending limit throws APIError with 402", () =>
  refused(OpenAI.APIError, 402, "limit.money", () => ask({}, "poor")));
await check("a failing provider throws InternalServerError", () =>
  refused(OpenAI.InternalServerError, 502, "upstream.failed", () =>
    ask({ messages: saying("status=500") })));

await check("a stream cut by the provider throws instead of ending", async () => {
  const messages = saying("chunks=20 tokens=20 chunk_delay_ms=5 cut_after=4");
  const stream = await ask({ stream: true, messages });
  let seen = 0;
  const read = async () => {
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) seen += 1;
  };
  await assert.rejects(read(), OpenAI.APIError);
  assert.equal(seen, 4);
});

await check("a stream the caller leaves lets the provider go", async () => {
  const messages = saying("chunks=500 tokens=500 chunk_delay_ms=20");
  const more = { stream: true, messages };
  const { data, request_id: id } = await client().chat.completions.create(body(more)).withResponse();
  let seen = 0;
  for await (const chunk of data) {
    seen += chunk.choices.length;
    if (seen === 4) data.controller.abort();
  }
  const end = Date.now() + 20_000;
  while ((await served(id)).outcome === "running") {
    assert.ok(Date.now() < end, "the provider still works for a caller that left");
    await new Promise((again) => setTimeout(again, 20));
  }
  return (await served(id)).outcome;
});

console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
