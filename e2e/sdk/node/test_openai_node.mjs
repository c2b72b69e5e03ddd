// OpenAI's SDK for Node.js, unchanged, against the gateway: chat completions and responses, plain
// and streamed, tools, structured output, embeddings, and its own typed errors.

import assert from "node:assert/strict";
import OpenAI from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import {
  CHAT, CITIES, EMBEDDING, GATEWAY, HELLO, RESULT, SCHEMA, SIGNING, WEATHER,
  check, counted, end, key, play, saying, served,
} from "./stack.mjs";

const FUNCTION = { name: "get_weather", description: "The weather.", parameters: SCHEMA };
const Weather = z.object({ city: z.string() });

const client = (name = "good") =>
  new OpenAI({ baseURL: `${GATEWAY}/v1`, apiKey: key(name), maxRetries: 0, timeout: 20_000 });

const user = (content) => [{ role: "user", content }];
const body = (more) => ({ model: CHAT, messages: user(HELLO), ...more });
const ask = (more, name) => client(name).chat.completions.create(body(more));
const respond = (more) => client().responses.create({ input: HELLO, ...more });

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

// Chat completions.

async function plainChat(model) {
  const { data, request_id: id } =
    await client().chat.completions.create(body({ model })).withResponse();
  assert.match(data.choices[0].message.content, /simulator/);
  assert.equal(data.model, model);
  await counted(id, data.usage.prompt_tokens, data.usage.completion_tokens);
}

async function streamedChat(model) {
  let text = "";
  for await (const chunk of await ask({ model, stream: true })) {
    assert.ok(!chunk.usage, "usage was not asked for");
    text += chunk.choices[0]?.delta.content ?? "";
  }
  assert.equal(text, (await ask({ model })).choices[0].message.content);
}

async function streamUsage(model) {
  const more = { model, stream: true, stream_options: { include_usage: true } };
  const { data, request_id: id } = await client().chat.completions.create(body(more)).withResponse();
  let last;
  for await (const chunk of data) last = chunk;
  assert.deepEqual(last.choices, []);
  await counted(id, last.usage.prompt_tokens, last.usage.completion_tokens);
}

async function maxTokens(model) {
  const answer = await ask({ model, max_completion_tokens: 3 });
  assert.equal(answer.usage.completion_tokens, 3);
  assert.equal(answer.choices[0].finish_reason, "length");
}

const chatWhole = (request) => client().chat.completions.create(request);
const chatStreamed = (request) => client().chat.completions.stream(request).finalChatCompletion();

async function chatLoop(model, way, prompt, more = {}) {
  const request = { model, tools: [{ type: "function", function: FUNCTION }], ...more };
  const { message, finish_reason: finish } =
    (await way({ ...request, messages: user(prompt) })).choices[0];
  assert.equal(finish, "tool_calls");
  const said = { ...message, parsed: undefined };
  said.tool_calls = message.tool_calls.map(({ function: { name, arguments: given }, ...call }) =>
    ({ ...call, index: undefined, function: { name, arguments: given } }));
  const results = said.tool_calls.map(({ id }) =>
    ({ role: "tool", tool_call_id: id, content: RESULT }));
  const { data, request_id: id } = await client().chat.completions
    .create({ ...request, messages: [...user(prompt), said, ...results] }).withResponse();
  assert.ok(data.choices[0].message.content.includes(RESULT));
  return [said.tool_calls, await served(id)];
}

async function chatTools(model) {
  for (const way of [chatWhole, chatStreamed]) {
    const [calls] = await chatLoop(model, way, saying("calls=2", WEATHER));
    assert.deepEqual(calls.map((call) => JSON.parse(call.function.arguments)), CITIES);
  }
}

async function chatStructured(model) {
  const format = zodResponseFormat(Weather, "weather");
  const answer = await client().chat.completions.parse(
    { model, messages: user(WEATHER), response_format: format });
  assert.deepEqual(answer.choices[0].message.parsed, CITIES[0]);
}

async function chatThoughts(model) {
  const prompt = saying("reasoning_tokens=7 calls=1", WEATHER);
  const [, count] = await chatLoop(model, chatWhole, prompt, { reasoning_effort: "low" });
  assert.ok(count.signatures >= 1, "no signature came back to the provider");
}

async function failures(model) {
  await refused(OpenAI.RateLimitError, 429, "upstream.rate_limited", () =>
    ask({ model, messages: user(saying("status=429 retry_after=2")) }));
  await refused(OpenAI.InternalServerError, 502, "upstream.failed", () =>
    ask({ model, messages: user(saying("status=500")) }));
}

async function cutStream(model) {
  const messages = user(saying("chunks=20 tokens=20 chunk_delay_ms=5 cut_after=4"));
  const stream = await ask({ model, stream: true, messages });
  let seen = 0;
  const read = async () => {
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) seen += 1;
  };
  await assert.rejects(read(), OpenAI.APIError);
  assert.equal(seen, 4);
}

// Responses.

async function plainResponse(model) {
  const { data, request_id: id } =
    await client().responses.create({ model, input: HELLO }).withResponse();
  assert.match(data.output_text, /simulator/);
  assert.deepEqual([data.model, data.status], [model, "completed"]);
  await counted(id, data.usage.input_tokens, data.usage.output_tokens);
}

const responseWhole = (request) => client().responses.create(request);
const responseStreamed = (request) => client().responses.stream(request).finalResponse();

async function streamedResponse(model) {
  const answer = await responseStreamed({ model, input: HELLO });
  assert.equal(answer.output_text, (await respond({ model })).output_text);
  assert.ok(answer.usage.output_tokens > 0);
}

async function responseTools(model) {
  const prompt = saying("calls=2", WEATHER);
  const tools = [{ type: "function", strict: true, ...FUNCTION }];
  for (const way of [responseWhole, responseStreamed]) {
    const first = await way({ model, input: prompt, tools });
    const calls = first.output.filter((item) => item.type === "function_call");
    assert.deepEqual(calls.map((call) => JSON.parse(call.arguments)), CITIES);
    const said = first.output.map((item) => ({ ...item, parsed_arguments: undefined }));
    const results = calls.map((call) =>
      ({ type: "function_call_output", call_id: call.call_id, output: RESULT }));
    const input = [...user(prompt), ...said, ...results];
    assert.ok((await respond({ model, input, tools })).output_text.includes(RESULT));
  }
}

async function responseStructured(model) {
  const text = { format: zodTextFormat(Weather, "weather") };
  const answer = await client().responses.parse({ model, input: WEATHER, text });
  assert.deepEqual(answer.output_parsed, CITIES[0]);
}

await play([
  ["a plain chat answers and its usage is what the provider counted", plainChat],
  ["a streamed chat says the same and carries no usage unasked", streamedChat],
  ["usage in a stream is what the provider counted", streamUsage],
  ["max_completion_tokens ends an answer with length", maxTokens],
  ["two tools are called at once and their results come back", chatTools],
  ["structured output is parsed as its schema says", chatStructured],
  ["its failures throw RateLimitError and InternalServerError", failures],
  ["a stream that it cuts throws instead of ending", cutStream],
  ["a response answers and its usage is what the provider counted", plainResponse],
  ["a streamed response says the same", streamedResponse],
  ["a response calls two tools and takes their results", responseTools],
  ["a response's structured output is parsed", responseStructured],
]);
await play([["signatures of thoughts return to it", chatThoughts]], SIGNING);

await check("embeddings come as vectors, the same for the same text", async () => {
  const embed = (input) => client().embeddings.create({ model: EMBEDDING, input, dimensions: 16 });
  const many = await embed(["one", "two"]);
  assert.deepEqual(many.data.map((row) => row.embedding.length), [16, 16]);
  assert.ok(many.usage.prompt_tokens > 0);
  assert.deepEqual((await embed("one")).data[0].embedding, many.data[0].embedding);
});

await check("the model list holds what the app is subscribed to, and nothing else", async () => {
  const ids = async (name) => (await client(name).models.list()).data.map((model) => model.id);
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
await check("our own request limit throws RateLimitError and says when", async () => {
  await ask({}, "limited");
  const error = await refused(OpenAI.RateLimitError, 429, "limit.requests", () => ask({}, "limited"));
  assert.ok(Number(error.headers.get("retry-after")) >= 1, "Retry-After says when");
});
await check("a spending limit throws APIError with 402", () =>
  refused(OpenAI.APIError, 402, "limit.money", () => ask({}, "poor")));

await check("a stream the caller leaves lets the provider go", async () => {
  const messages = user(saying("chunks=500 tokens=500 chunk_delay_ms=20"));
  const more = { stream: true, messages };
  const { data, request_id: id } = await client().chat.completions.create(body(more)).withResponse();
  let seen = 0;
  for await (const chunk of data) {
    seen += chunk.choices.length;
    if (seen === 4) data.controller.abort();
  }
  const deadline = Date.now() + 20_000;
  while ((await served(id)).outcome === "running") {
    assert.ok(Date.now() < deadline, "the provider still works for a caller that left");
    await new Promise((again) => setTimeout(again, 20));
  }
  return (await served(id)).outcome;
});

end();
