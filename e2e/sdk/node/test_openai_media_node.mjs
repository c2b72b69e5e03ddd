// OpenAI's SDK for Node.js, unchanged, against the gateway: pictures, voices, transcripts and
// judgements, plain and streamed, and its own typed errors.

import assert from "node:assert/strict";
import OpenAI, { toFile } from "openai";
import { GATEWAY, check, end, key, saying, served } from "./stack.mjs";

const IMAGE = "sim-image";
const SPEECH = "sim-speech";
const TRANSCRIBE = "sim-transcribe";
const PROMPT = "A lighthouse in fog";
const LONG = "A long text to be spoken, of which nobody hears the end.";

const client = (name = "good") =>
  new OpenAI({ baseURL: `${GATEWAY}/v1`, apiKey: key(name), maxRetries: 0, timeout: 20_000 });

const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64");
const png = () => toFile(PNG, "in.png", { type: "image/png" });

/** Silence at 8 kHz. */
function wav(seconds) {
  const head = Buffer.from("RIFF    WAVEfmt                     data    ");
  const bytes = 16_000 * seconds;
  head.writeUInt32LE(36 + bytes, 4);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(8_000, 24);
  head.writeUInt32LE(16_000, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.writeUInt32LE(bytes, 40);
  return toFile(Buffer.concat([head, Buffer.alloc(bytes)]), "silence.wav");
}

const isPng = (text) => assert.equal(Buffer.from(text, "base64").subarray(1, 4).toString(), "PNG");

/** `call` must throw exactly the SDK's own error for `status`, with our code in it. */
async function refused(kind, status, code, call) {
  try {
    await call();
  } catch (error) {
    assert.equal(error.constructor.name, kind.name, `${error}`);
    assert.deepEqual([error.status, error.code], [status, code]);
    return error;
  }
  return assert.fail(`nothing was thrown, wanted ${kind.name}`);
}

async function all(stream) {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
}

await check("pictures are made, and their usage is what the provider counted", async () => {
  const make = client().images.generate({ model: IMAGE, prompt: PROMPT, n: 2 });
  const { data, request_id: id } = await make.withResponse();
  data.data.forEach((image) => isPng(image.b64_json));
  const count = await served(id);
  assert.deepEqual([data.data.length, count.images, count.output], [2, 2, data.usage.output_tokens]);
});
await check("a stream of pictures comes event by event", async () => {
  const more = { stream: true, partial_images: 2 };
  const events = await all(await client().images.generate({ model: IMAGE, prompt: PROMPT, ...more }));
  const partial = "image_generation.partial_image";
  assert.deepEqual(events.map((event) => event.type), [partial, partial, "image_generation.completed"]);
  isPng(events.at(-1).b64_json);
});
await check("pictures are changed by a form with two of them and a mask", async () => {
  const image = [await png(), await png()];
  const edit = client().images.edit({ model: IMAGE, image, mask: await png(), prompt: "A boat" });
  const { data, request_id: id } = await edit.withResponse();
  isPng(data.data[0].b64_json);
  assert.equal((await served(id)).media, 3);
  const stream = await client().images.edit(
    { model: IMAGE, image: await png(), prompt: "A boat", stream: true });
  assert.equal((await all(stream)).at(-1).type, "image_edit.completed");
});
await check("a variation is made", async () => {
  const made = await client().images.createVariation({ model: IMAGE, image: await png() });
  isPng(made.data[0].b64_json);
});
await check("a text is spoken", async () => {
  const answer = await client().audio.speech.create({ model: SPEECH, voice: "alloy", input: LONG });
  assert.equal(answer.headers.get("content-type"), "audio/wav");
  assert.equal(Buffer.from(await answer.arrayBuffer()).subarray(0, 4).toString(), "RIFF");
  assert.equal((await served(answer.headers.get("x-request-id"))).characters, LONG.length);
});
await check("a voice that is cut does not end as if whole", async () => {
  const input = saying("cut_after=2", LONG);
  const answer = await client().audio.speech.create({ model: SPEECH, voice: "alloy", input });
  await assert.rejects(answer.arrayBuffer());
});
await check("a recording is written down, plain, in other forms and streamed", async () => {
  const make = async (more) =>
    client().audio.transcriptions.create({ model: TRANSCRIBE, file: await wav(3), ...more });
  const plain = await make({});
  assert.match(plain.text, /simulated/);
  assert.deepEqual(plain.usage, { type: "duration", seconds: 3 });
  assert.equal((await make({ response_format: "verbose_json" })).duration, 3);
  assert.match(await make({ response_format: "vtt" }), /^WEBVTT/);
  const events = await all(await make({ stream: true }));
  const said = events.map((event) => event.delta ?? "").join("");
  assert.deepEqual([events.at(-1).type, events.at(-1).text], ["transcript.text.done", said]);
});
await check("a recording is translated", async () => {
  const made = await client().audio.translations.create({ model: TRANSCRIBE, file: await wav(1) });
  assert.match(made.text, /simulated/);
});
await check("texts are judged", async () => {
  const input = ["fine", "not fine [[flag]]"];
  const { results } = await client().moderations.create({ model: "sim-moderate", input });
  assert.deepEqual(results.map((result) => result.flagged), [false, true]);
});
await check("a stream of pictures that is cut throws instead of ending", async () => {
  const stream = await client().images.generate(
    { model: IMAGE, prompt: saying("cut_after=1", PROMPT), stream: true, partial_images: 2 });
  await assert.rejects(all(stream), OpenAI.APIError);
});
await check("refusals throw the error of their status", async () => {
  const make = (more, name) =>
    client(name).images.generate({ model: IMAGE, prompt: PROMPT, ...more });
  await refused(OpenAI.RateLimitError, 429, "upstream.rate_limited",
    () => make({ prompt: saying("status=429 retry_after=2") }));
  await refused(OpenAI.InternalServerError, 502, "upstream.failed",
    () => make({ prompt: saying("status=500") }));
  await refused(OpenAI.BadRequestError, 400, "request.malformed", () => make({ n: 0 }));
  await refused(OpenAI.NotFoundError, 404, "model.unknown", () => make({ model: "no-such-model" }));
  await refused(OpenAI.AuthenticationError, 401, "key.revoked", () => make({}, "revoked"));
  const file = await wav(1);
  await refused(OpenAI.PermissionDeniedError, 403, "subscription.missing",
    () => client("unsubscribed").audio.transcriptions.create({ model: TRANSCRIBE, file }));
});

end();
