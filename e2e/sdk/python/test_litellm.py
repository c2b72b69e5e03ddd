"""LiteLLM as a client, unchanged, against the gateway: as if it were OpenAI, Anthropic and Gemini;
plain, streamed, tools, structured output, embeddings, and its own exceptions."""

import json
import os
import sys

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import litellm
from pydantic import BaseModel

from stack import (CHAT, CITIES, EMBEDDING, GATEWAY, HELLO, KEYS, MODELS, RESULT, SCHEMA, UNFORCED,
                   WEATHER, Tests, equal, http, play, raises, saying, simulated, told, unforced)

litellm.suppress_debug_info = True
# How it names a dialect, and the address it wants for it.
WAYS = {"openai": GATEWAY + "/v1", "anthropic": GATEWAY, "gemini": GATEWAY + "/v1beta"}
TOOLS = [{"type": "function", "function": {"name": "get_weather", "description": "The weather.",
                                           "parameters": SCHEMA}}]


class Weather(BaseModel):
    city: str


def ask(way, model, text=HELLO, key="good", **more):
    request = {"messages": [{"role": "user", "content": text}], "max_tokens": 500, **more}
    return litellm.completion(model=f"{way}/{model}", api_base=WAYS[way],
                              api_key=KEYS.get(key, key), num_retries=0, timeout=20, **request)


def scenes(way):
    def plain(model):
        answer = ask(way, model)
        simulated(answer.choices[0].message.content)
        assert answer.usage.prompt_tokens > 0 and answer.usage.completion_tokens > 0, answer.usage

    def streamed(model):
        chunks = list(ask(way, model, stream=True))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        equal(text, ask(way, model).choices[0].message.content)

    def tools(model):
        prompt = saying("calls=2", WEATHER)
        said = ask(way, model, prompt, tools=TOOLS).choices[0].message
        equal([json.loads(call.function.arguments) for call in said.tool_calls], CITIES)
        results = [{"role": "tool", "tool_call_id": call.id, "name": call.function.name,
                    "content": RESULT} for call in said.tool_calls]
        messages = [{"role": "user", "content": prompt}, said.model_dump(exclude_none=True), *results]
        told(ask(way, model, messages=messages, tools=TOOLS).choices[0].message.content)

    def structured(model):
        if way == "anthropic" and model in UNFORCED:
            # To an Anthropic model it tells the schema as a tool that is forced.
            return unforced(litellm.BadRequestError,
                            lambda: ask(way, model, WEATHER, response_format=Weather))
        answer = ask(way, model, WEATHER, response_format=Weather)
        equal(json.loads(answer.choices[0].message.content), CITIES[0])

    scenes = [(f"a plain answer as {way}", plain), (f"a stream as {way}", streamed),
              (f"two tools called at once and their results as {way}", tools)]
    # To a Gemini that it does not know by name it tells the schema in words, not as one.
    return scenes if way == "gemini" else [*scenes, (f"structured output as {way}", structured)]


def embeddings():
    answer = litellm.embedding(model=f"openai/{EMBEDDING}", input=["one", "two"], dimensions=16,
                               allowed_openai_params=["dimensions"],
                               api_base=WAYS["openai"], api_key=KEYS["good"])
    equal([len(row["embedding"]) for row in answer.data], [16, 16])


def errors(way):
    def check():
        for kind, model, text, key in [
            (litellm.AuthenticationError, CHAT, HELLO, "revoked"),
            (litellm.NotFoundError, "no-such-model", HELLO, "good"),
            (litellm.RateLimitError, CHAT, saying("status=429 retry_after=2"), "good"),
        ]:
            raises(kind, lambda: ask(way, model, text, key))
    return check


def main():
    t = Tests()
    ways = ["openai", "anthropic"]
    _, answered, _ = http("POST", WAYS["gemini"] + "/models/x:generateContent", {},
                          {"x-goog-api-key": KEYS["good"]})
    if answered["x-tollgate-error-code"] != "route.unknown":
        ways.append("gemini")
    for way in ways:
        play(t, scenes(way))
        t.check(f"refusals raise its own exceptions as {way}", errors(way))
    t.check("embeddings come as vectors", embeddings)
    return t.end()


if __name__ == "__main__":
    sys.exit(main())
