// Vercel's AI SDK, unchanged, against the gateway: through its OpenAI provider (chat completions
// and responses) and its Anthropic provider; plain, streamed, a tool loop that it runs by itself,
// structured output, embeddings, and its own error.

import assert from "node:assert/strict";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import {
  APICallError, Output, embedMany, experimental_generateSpeech as generateSpeech,
  experimental_transcribe as transcribe, generateImage, generateText, stepCountIs, streamText, tool,
} from "ai";
import { z } from "zod";
import {
  CHAT, CITIES, EMBEDDING, GATEWAY, HELLO, RESULT, UNFORCED, WEATHER, check, end, key, play, saying,
} from "./stack.mjs";

const openai = (name = "good") => createOpenAI({ baseURL: `${GATEWAY}/v1`, apiKey: key(name) });
const anthropic = (name = "good") =>
  createAnthropic({ baseURL: `${GATEWAY}/v1`, apiKey: key(name) });
const WAYS = {
  "chat completions": (model, name) => openai(name).chat(model),
  responses: (model, name) => openai(name).responses(model),
  messages: (model, name) => anthropic(name)(model),
};
const Weather = z.object({ city: z.string() });

const generate = (model, prompt, more) =>
  generateText({ model, prompt, maxRetries: 0, maxOutputTokens: 500, ...more });

/** A tool that notes what it was asked for. */
const noted = (asked) => ({
  get_weather: tool({
    description: "The weather.",
    inputSchema: Weather,
    execute: async (given) => {
      asked.push(given);
      return RESULT;
    },
  }),
});

function scenes(way, of) {
  const plain = async (model) => {
    const { text, usage } = await generate(of(model), HELLO);
    assert.match(text, /simulator/);
    assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0, JSON.stringify(usage));
  };
  const streamed = async (model) => {
    const stream = streamText({ model: of(model), prompt: HELLO, maxRetries: 0, maxOutputTokens: 500 });
    let text = "";
    for await (const piece of stream.textStream) text += piece;
    assert.equal(text, (await generate(of(model), HELLO)).text);
    assert.ok((await stream.usage).outputTokens > 0);
  };
  const tools = async (model) => {
    const asked = [];
    const more = { tools: noted(asked), stopWhen: stepCountIs(3) };
    const { text, steps } = await generate(of(model), saying("calls=2", WEATHER), more);
    assert.deepEqual(asked, CITIES);
    assert.ok(text.includes(RESULT), text);
    assert.equal(steps.length, 2);
  };
  const streamedTools = async (model) => {
    const asked = [];
    const stream = streamText({
      model: of(model), prompt: saying("calls=2", WEATHER), tools: noted(asked), maxRetries: 0,
      stopWhen: stepCountIs(3), maxOutputTokens: 500,
    });
    assert.ok((await stream.text).includes(RESULT));
    assert.deepEqual(asked, CITIES);
  };
  const structured = async (model) => {
    const output = Output.object({ schema: Weather });
    // Through messages the SDK forces a tool for it, and the provider must be able to force one.
    if (way === "messages" && UNFORCED.includes(model)) {
      await assert.rejects(generate(of(model), WEATHER, { output }), (error) =>
        APICallError.isInstance(error) && error.statusCode === 400 && error.message.includes("tool_choice"));
      return;
    }
    assert.deepEqual((await generate(of(model), WEATHER, { output })).output, CITIES[0]);
  };
  return [
    [`a plain answer through ${way}`, plain],
    [`a stream through ${way}`, streamed],
    [`its own tool loop through ${way}`, tools],
    [`its own tool loop, streamed through ${way}`, streamedTools],
    [`structured output through ${way}`, structured],
  ];
}

async function refused(of, model, status, name, prompt = HELLO) {
  try {
    await generate(of(model, name), prompt);
  } catch (error) {
    assert.ok(APICallError.isInstance(error), `${error}`);
    assert.equal(error.statusCode, status);
    assert.ok(error.message && error.message !== "Unknown error", error.message);
    return;
  }
  assert.fail("nothing was thrown, wanted APICallError");
}

for (const [way, of] of Object.entries(WAYS)) {
  await play(scenes(way, of));
  await check(`refusals throw APICallError with their status and sentence through ${way}`, async () => {
    await refused(of, CHAT, 401, "revoked");
    await refused(of, "no-such-model", 404, "good");
    await refused(of, CHAT, 429, "good", saying("status=429 retry_after=2"));
  });
}
await check("embeddings come as vectors", async () => {
  const { embeddings } = await embedMany({
    model: openai().embedding(EMBEDDING), values: ["one", "two"], maxRetries: 0,
    providerOptions: { openai: { dimensions: 16 } },
  });
  assert.deepEqual(embeddings.map((vector) => vector.length), [16, 16]);
});
await check("a picture is made", async () => {
  const { image } = await generateImage({
    model: openai().image("sim-image"), prompt: "A lighthouse in fog", maxRetries: 0,
  });
  assert.equal(Buffer.from(image.uint8Array).subarray(1, 4).toString(), "PNG");
});
await check("a text is spoken, and what was said is written down", async () => {
  const { audio } = await generateSpeech({
    model: openai().speech("sim-speech"), text: HELLO, voice: "alloy", maxRetries: 0,
  });
  assert.equal(Buffer.from(audio.uint8Array).subarray(0, 4).toString(), "RIFF");
  const { text } = await transcribe({
    model: openai().transcription("sim-transcribe"), audio: audio.uint8Array, maxRetries: 0,
  });
  assert.match(text, /simulated/);
});
await check("a picture refused throws APICallError", () => assert.rejects(
  generateImage({ model: openai().image("no-such-model"), prompt: HELLO, maxRetries: 0 }),
  (error) => APICallError.isInstance(error) && error.statusCode === 404));

end();
