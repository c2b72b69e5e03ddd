"""LangChain's OpenAI integration, unchanged, against the gateway: through chat completions and
through responses, plain, streamed, with tools, with structured output; and embeddings."""

import sys

import openai
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

from stack import (CHAT, CITIES, EMBEDDING, GATEWAY, HELLO, KEYS, RESULT, WEATHER, Tests, equal,
                   play, saying, simulated, told)


class Weather(BaseModel):
    """The weather."""
    city: str


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return RESULT


def chat(model, key="good", **more):
    return ChatOpenAI(base_url=GATEWAY + "/v1", api_key=KEYS.get(key, key), model=model,
                      max_retries=0, timeout=20, **more)


def scenes(**way):
    def plain(model):
        answer = chat(model, **way).invoke(HELLO)
        simulated(answer.text)
        usage = answer.usage_metadata
        assert usage["input_tokens"] > 0 and usage["output_tokens"] > 0, usage

    def streamed(model):
        chunks = list(chat(model, stream_usage=True, **way).stream(HELLO))
        equal("".join(chunk.text for chunk in chunks), chat(model, **way).invoke(HELLO).text)
        whole = chunks[0]
        for chunk in chunks[1:]:
            whole = whole + chunk
        assert whole.usage_metadata["output_tokens"] > 0, whole.usage_metadata

    def tools(model):
        bound = chat(model, **way).bind_tools([get_weather])
        asked = [HumanMessage(saying("calls=2", WEATHER))]
        said = bound.invoke(asked)
        equal([call["args"] for call in said.tool_calls], CITIES)
        results = [ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"])
                   for call in said.tool_calls]
        told(bound.invoke([*asked, said, *results]).text)

    def structured(model):
        shaped = chat(model, **way).with_structured_output(Weather, method="json_schema")
        equal(shaped.invoke(WEATHER), Weather(**CITIES[0]))

    return [("a plain answer with its usage", plain), ("a stream that says the same", streamed),
            ("two tools called at once and their results", tools),
            ("structured output as the class asked for", structured)]


def embeddings():
    embed = OpenAIEmbeddings(base_url=GATEWAY + "/v1", api_key=KEYS["good"], model=EMBEDDING,
                             dimensions=16, check_embedding_ctx_length=False, max_retries=0)
    vectors = embed.embed_documents(["one", "two"])
    equal([len(vector) for vector in vectors], [16, 16])
    equal(embed.embed_query("one"), vectors[0])


def refused(kind, call):
    """LangChain raises classes of its own below OpenAI's."""
    try:
        call()
    except kind as error:
        return type(error).__name__
    raise AssertionError(f"nothing was raised, wanted {kind.__name__}")


def main():
    t = Tests()
    play(t, scenes())
    play(t, [(f"{name}, through responses", scene)
             for name, scene in scenes(use_responses_api=True)])
    t.check("embeddings come as vectors, the same for the same text", embeddings)
    t.check("a revoked key raises AuthenticationError", lambda: refused(
        openai.AuthenticationError, lambda: chat(CHAT, "revoked").invoke(HELLO)))
    t.check("a provider's rate limit raises RateLimitError", lambda: refused(
        openai.RateLimitError, lambda: chat(CHAT).invoke(saying("status=429 retry_after=2"))))
    return t.end()


if __name__ == "__main__":
    sys.exit(main())
