// What the suites share: the keys made for them, the simulator's count of a call, how a check is
// told, and the scene of a tool loop.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const set = JSON.parse(readFileSync(process.env.TOLLGATE_SDK, "utf8"));
export const { chat_model: CHAT, embedding_model: EMBEDDING, models: MODELS, gateway_url: GATEWAY } = set;
export const KEYS = { ...set.keys, limited: set.limited[process.env.TOLLGATE_SUITE] };

const SIGNS = ["sim-responses", "sim-anthropic", "sim-gemini", "sim-bedrock"];
/** Providers whose simulated thoughts are signed, and whose signatures must come back. */
export const SIGNING = MODELS.filter((model) => SIGNS.includes(model));

/** Providers that cannot be made to call a tool: a call that forces one is refused. */
export const UNFORCED = ["sim-ollama"];

export const SCHEMA = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
export const HELLO = "Say hello.";
export const WEATHER = "What is the weather in Paris and in Oslo?";
/** What the simulator gives as arguments of a first and a second call, and what the tool says. */
export const CITIES = [{ city: "simulated" }, { city: "simulated 2" }];
export const RESULT = "21 degrees";

export const key = (name) => KEYS[name] ?? name;
export const saying = (switches, text = HELLO) => `${text} [[sim ${switches}]]`;

export async function served(requestId) {
  const answer = await fetch(`${set.simulator_url}/_sim/requests?id=${requestId}`);
  assert.equal(answer.status, 200, `the simulator knows no ${requestId}`);
  return answer.json();
}

/** The usage that the SDK shows is what the provider counted. */
export async function counted(requestId, input, output) {
  const count = await served(requestId);
  assert.equal(output, count.output + count.reasoning);
  assert.equal(input, count.input + count.cached_input + count.cache_write);
  return count;
}

/** `call` must throw exactly the SDK's own error. */
export async function throws(kind, call) {
  try {
    await call();
  } catch (error) {
    assert.equal(error.constructor.name, kind.name, `${error}`);
    return error;
  }
  return assert.fail(`nothing was thrown, wanted ${kind.name}`);
}

let passed = 0;
let failed = 0;
export async function check(name, run) {
  try {
    const said = await run();
    passed += 1;
    console.log(`ok      ${name}${typeof said === "string" ? `  (${said})` : ""}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}\n        ${error.stack ?? error}`);
  }
}

/** Each scene, a name and a function of a model, against each model. */
export async function play(scenes, models = MODELS) {
  for (const model of models) {
    for (const [name, scene] of scenes) await check(`${model}: ${name}`, () => scene(model));
  }
}

export function end() {
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed ? 1 : 0;
}
