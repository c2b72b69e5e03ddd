"""Google's Gen AI SDK for Python, unchanged, against the gateway: answers, streams, functions,
thought signatures, structured output, embeddings, and its own exceptions."""

import functools
import sys

import httpx
from google import genai
from google.genai import errors, types
from pydantic import BaseModel

from stack import (CHAT, CITIES, EMBEDDING, GATEWAY, HELLO, KEYS, RESULT, SCHEMA, SIGNING, UNFORCED,
                   WEATHER, Tests, counted, equal, http, play, raises, saying, served, simulated,
                   told, unforced)

TOOLS = [types.Tool(function_declarations=[types.FunctionDeclaration(
    name="get_weather", description="The weather.", parameters_json_schema=SCHEMA)])]
# The SDK calls functions by itself where it can; here the loop is played by hand.
BY_HAND = types.AutomaticFunctionCallingConfig(disable=True)
SEEN = {}


class Weather(BaseModel):
    city: str


@functools.cache  # A client that nobody holds closes its connections.
def client(key="good", root=""):
    # Its retries are off unless asked for; the hook sees the request id of the last answer.
    hook = {"response": [lambda answer: SEEN.update(id=answer.headers.get("x-request-id"),
                                                    code=answer.headers.get("x-tollgate-error-code"))]}
    return genai.Client(api_key=KEYS.get(key, key), http_options=types.HttpOptions(
        base_url=GATEWAY + root, api_version="v1beta", timeout=20_000, client_args={"event_hooks": hook}))


def ask(model, contents=HELLO, key="good", **config):
    config = types.GenerateContentConfig(automatic_function_calling=BY_HAND, **config)
    return client(key).models.generate_content(model=model, contents=contents, config=config)


def ask_streamed(model, contents=HELLO, **config):
    """The chunks of a stream put together."""
    config = types.GenerateContentConfig(automatic_function_calling=BY_HAND, **config)
    chunks = list(client().models.generate_content_stream(
        model=model, contents=contents, config=config))
    parts = [part for chunk in chunks if chunk.candidates and chunk.candidates[0].content
             for part in chunk.candidates[0].content.parts or []]
    last = chunks[-1]
    last.candidates[0].content = types.Content(role="model", parts=parts)
    return last


def used(usage):
    return usage.prompt_token_count, (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)


def plain(model):
    answer = ask(model, system_instruction="You are terse.")
    simulated(answer.text)
    equal(answer.candidates[0].finish_reason, types.FinishReason.STOP)
    counted(SEEN["id"], *used(answer.usage_metadata))


def streamed(model):
    answer = ask_streamed(model)
    request_id = SEEN["id"]
    equal(answer.candidates[0].finish_reason, types.FinishReason.STOP)
    counted(request_id, *used(answer.usage_metadata))
    equal(answer.text, ask(model).text)


def loop(model, way, prompt, **config):
    first = way(model, prompt, tools=TOOLS, **config)
    content = first.candidates[0].content
    calls = [part.function_call for part in content.parts if part.function_call]
    results = [types.Part(function_response=types.FunctionResponse(
        id=call.id, name=call.name, response={"result": RESULT})) for call in calls]
    answer = ask(model, [
        types.Content(role="user", parts=[types.Part(text=prompt)]), content,
        types.Content(role="user", parts=results),
    ], tools=TOOLS, **config)
    told(answer.text)
    return content, calls, served(SEEN["id"])


def tools(model):
    for way in (ask, ask_streamed):
        _, calls, _ = loop(model, way, saying("calls=2", WEATHER))
        equal([(call.name, call.args) for call in calls],
              [("get_weather", arguments) for arguments in CITIES])


def forced(model):
    config = types.ToolConfig(function_calling_config=types.FunctionCallingConfig(mode="ANY"))
    if model in UNFORCED:
        return unforced(errors.ClientError, lambda: ask(model, tools=TOOLS, tool_config=config))
    answer = ask(model, tools=TOOLS, tool_config=config)
    equal([call.args for call in answer.function_calls], CITIES[:1])


def structured(model):
    answer = ask(model, WEATHER, response_mime_type="application/json", response_schema=Weather)
    equal(answer.parsed, Weather(**CITIES[0]))


def thoughts(model):
    thinking = types.ThinkingConfig(include_thoughts=True)
    for way in (ask, ask_streamed):
        content, _, count = loop(model, way, saying("reasoning_tokens=7 calls=1", WEATHER),
                                 thinking_config=thinking)
        assert any(part.thought for part in content.parts), "no thought is shown"
        assert any(part.thought_signature for part in content.parts), "nothing is signed"
        assert count["signatures"] >= 1, f"no signature came back to the provider: {count}"


def cut_short(model):
    answer = ask(model, max_output_tokens=3)
    equal(answer.candidates[0].finish_reason, types.FinishReason.MAX_TOKENS)
    equal(used(answer.usage_metadata)[1], 3)


def failures(model):
    error = raises(errors.ClientError, lambda: ask(model, saying("status=429 retry_after=2")))
    equal((error.code, error.status, SEEN["code"]),
          (429, "RESOURCE_EXHAUSTED", "upstream.rate_limited"))
    error = raises(errors.ServerError, lambda: ask(model, saying("status=500")))
    equal((error.code, SEEN["code"]), (502, "upstream.failed"))


def cut_stream(model):
    switches = "chunks=20 tokens=20 chunk_delay_ms=5 cut_after=4"
    seen = 0
    try:
        for chunk in client().models.generate_content_stream(
                model=model, contents=saying(switches)):
            seen += bool(chunk.text)
    except (errors.APIError, httpx.HTTPError) as error:
        equal(seen, 4)
        return type(error).__name__
    raise AssertionError("a cut stream ended as if it were whole")


def refused(kind, status, word, code, key="good", model=CHAT, contents=HELLO):
    error = raises(kind, lambda: ask(model, contents, key))
    equal((error.code, error.status, SEEN["code"]), (status, word, code))
    assert error.message, "no sentence"


def our_limit():
    ask(CHAT, key="limited")
    refused(errors.ClientError, 429, "RESOURCE_EXHAUSTED", "limit.requests", "limited")


def serves(method, model, body):
    """Whether the gateway has that method of Gemini's by now."""
    headers = {"x-goog-api-key": KEYS["good"]}
    status, answered, _ = http("POST", f"{GATEWAY}/v1beta/models/{model}:{method}", body, headers)
    return answered["x-tollgate-error-code"] != "route.unknown" and status != 405


def count_tokens():
    body = {"contents": [{"parts": [{"text": HELLO}]}]}
    if not serves("countTokens", "sim-gemini", body):
        return "not yet served by the gateway"
    count = client().models.count_tokens(model="sim-gemini", contents=HELLO)
    equal(count.total_tokens, ask("sim-gemini").usage_metadata.prompt_token_count)


def embeddings():
    request = {"content": {"parts": [{"text": "one"}]}}
    if not serves("batchEmbedContents", EMBEDDING, {"requests": [request]}):
        return "not yet served by the gateway"
    config = types.EmbedContentConfig(output_dimensionality=16)
    many = client().models.embed_content(model=EMBEDDING, contents=["one", "two"], config=config)
    equal([len(one.values) for one in many.embeddings], [16, 16])


def native():
    """The provider's own address, passed on by the gateway."""
    far = client(root="/native/sim-gemini")
    usage = far.models.generate_content(model="sim-gemini", contents=HELLO).usage_metadata
    counted(SEEN["id"], usage.prompt_token_count, usage.candidates_token_count)


SCENES = [
    ("a plain answer, and its usage is what the provider counted", plain),
    ("a stream says the same, with the same usage", streamed),
    ("two functions are called at once and their results come back", tools),
    ("a forced function is called", forced),
    ("structured output is parsed into the class asked for", structured),
    ("max_output_tokens ends an answer", cut_short),
    ("its failures raise ClientError and ServerError", failures),
    ("a stream that it cuts raises instead of ending", cut_stream),
]


def main():
    t = Tests()
    status, answered, _ = http("POST", GATEWAY + "/v1beta/models/x:generateContent", {},
                               {"x-goog-api-key": KEYS["good"]})
    if status == 404 and answered["x-tollgate-error-code"] == "route.unknown":
        print("skipped: the gateway does not serve Gemini's surface yet")
        return t.end()
    play(t, SCENES)
    play(t, [("thoughts are shown, and their signatures return", thoughts)], SIGNING)
    for name, more in [
        ("a malformed key raises ClientError, UNAUTHENTICATED",
         (401, "UNAUTHENTICATED", "key.malformed", "sk-wrong")),
        ("a revoked key raises ClientError, UNAUTHENTICATED",
         (401, "UNAUTHENTICATED", "key.revoked", "revoked")),
        ("an app without a subscription raises ClientError, PERMISSION_DENIED",
         (403, "PERMISSION_DENIED", "subscription.missing", "unsubscribed")),
        ("an unknown model raises ClientError, NOT_FOUND",
         (404, "NOT_FOUND", "model.unknown", "good", "no-such-model")),
    ]:
        t.check(name, lambda: refused(errors.ClientError, *more))
    t.check("our own request limit raises ClientError, RESOURCE_EXHAUSTED", our_limit)
    t.check("tokens of a prompt are counted", count_tokens)
    t.check("embeddings come as vectors", embeddings)
    t.check("the provider's own address passes calls", native)
    return t.end()


if __name__ == "__main__":
    sys.exit(main())
