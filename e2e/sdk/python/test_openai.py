"""OpenAI's SDK for Python, unchanged, against the gateway: chat completions and responses, plain
and streamed, tools, structured output, embeddings, and its own typed exceptions."""

import json
import sys

import openai
from pydantic import BaseModel

from stack import (CHAT, CITIES, EMBEDDING, GATEWAY, HELLO, KEYS, RESULT, SCHEMA, SIGNING, WEATHER,
                   Tests, counted, equal, play, saying, served, simulated, told, until)

MESSAGES = [{"role": "user", "content": HELLO}]
FUNCTION = {"name": "get_weather", "description": "The weather.", "parameters": SCHEMA}


class Weather(BaseModel):
    city: str


def client(key="good", root="/v1"):
    return openai.OpenAI(base_url=GATEWAY + root, api_key=KEYS.get(key, key), max_retries=0,
                         timeout=20)


def user(text):
    return [{"role": "user", "content": text}]


def ask(key="good", **more):
    return client(key).chat.completions.create(**{"model": CHAT, "messages": MESSAGES, **more})


def respond(**more):
    return client().responses.create(**{"input": HELLO, **more})


def refused(kind, status, code, call):
    """`call` must raise exactly the SDK's own exception for `status`, with our code in it."""
    try:
        call()
    except openai.APIStatusError as error:
        equal(type(error).__name__, kind.__name__)
        equal((error.status_code, error.code), (status, code))
        assert error.message and error.request_id, "a refusal carries a sentence and a request id"
        return error
    raise AssertionError(f"nothing was raised, wanted {kind.__name__}")


# Chat completions.

def plain_chat(model):
    raw = client().chat.completions.with_raw_response.create(model=model, messages=MESSAGES)
    answer = raw.parse()
    simulated(answer.choices[0].message.content)
    equal((answer.model, answer.choices[0].finish_reason), (model, "stop"))
    counted(raw.headers["x-request-id"], answer.usage.prompt_tokens, answer.usage.completion_tokens)


def streamed_chat(model):
    chunks = list(ask(model=model, stream=True))
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    equal(text, ask(model=model).choices[0].message.content)
    assert all(c.usage is None for c in chunks), "usage was not asked for"
    equal(chunks[-1].choices[0].finish_reason, "stop")


def stream_usage(model):
    stream = ask(model=model, stream=True, stream_options={"include_usage": True})
    request_id = stream.response.headers["x-request-id"]
    last = list(stream)[-1]
    equal(last.choices, [])
    counted(request_id, last.usage.prompt_tokens, last.usage.completion_tokens)


def max_tokens(model):
    answer = ask(model=model, max_tokens=3)
    equal((answer.usage.completion_tokens, answer.choices[0].finish_reason), (3, "length"))


def chat_streamed(**request):
    with client().chat.completions.stream(**request) as stream:
        for _ in stream:
            pass
        return stream.get_final_completion()


def chat_loop(model, ask, prompt, **more):
    more = {"tools": [{"type": "function", "function": FUNCTION}], **more}
    first = ask(model=model, messages=user(prompt), **more).choices[0]
    equal(first.finish_reason, "tool_calls")
    calls = first.message.tool_calls
    said = first.message.model_dump(exclude_none=True)
    for call in said["tool_calls"]:
        # What the SDK's stream helper adds for its own use.
        call["function"].pop("parsed_arguments", None)
        call.pop("index", None)
    said.pop("parsed", None)
    results = [{"role": "tool", "tool_call_id": call.id, "content": RESULT} for call in calls]
    raw = client().chat.completions.with_raw_response.create(
        model=model, messages=[*user(prompt), said, *results], **more)
    told(raw.parse().choices[0].message.content)
    return calls, served(raw.headers["x-request-id"])


def chat_tools(model):
    for way in (client().chat.completions.create, chat_streamed):
        calls, _ = chat_loop(model, way, saying("calls=2", WEATHER))
        equal([json.loads(call.function.arguments) for call in calls], CITIES)
        assert calls[0].id != calls[1].id, "two calls have one id"


def chat_structured(model):
    parsed = client().chat.completions.parse(model=model, messages=user(WEATHER),
                                             response_format=Weather)
    equal(parsed.choices[0].message.parsed, Weather(**CITIES[0]))


def chat_thoughts(model):
    for way in (client().chat.completions.create, chat_streamed):
        _, count = chat_loop(model, way, saying("reasoning_tokens=7 calls=1", WEATHER),
                             reasoning_effort="low")
        assert count["signatures"] >= 1, f"no signature came back to the provider: {count}"


def upstream_errors(model):
    error = refused(openai.RateLimitError, 429, "upstream.rate_limited",
                    lambda: ask(model=model, messages=user(saying("status=429 retry_after=2"))))
    assert int(error.response.headers["retry-after"]) >= 1, "Retry-After says when"
    refused(openai.InternalServerError, 502, "upstream.failed",
            lambda: ask(model=model, messages=user(saying("status=500"))))


def cut_stream(model):
    switches = "chunks=20 tokens=20 chunk_delay_ms=5 cut_after=4"
    stream = ask(model=model, stream=True, messages=user(saying(switches)))
    seen = 0
    try:
        for chunk in stream:
            seen += 1 if chunk.choices and chunk.choices[0].delta.content else 0
    except openai.APIError as error:
        assert seen == 4, seen
        return f"{type(error).__name__}: {error.message}"
    raise AssertionError("a cut stream ended as if it were whole")


# Responses.

def plain_response(model):
    raw = client().responses.with_raw_response.create(model=model, input=HELLO,
                                                      instructions="You are terse.")
    answer = raw.parse()
    simulated(answer.output_text)
    equal((answer.model, answer.status), (model, "completed"))
    counted(raw.headers["x-request-id"], answer.usage.input_tokens, answer.usage.output_tokens)


def response_streamed(**request):
    with client().responses.stream(**request) as stream:
        events = list(stream)
        numbers = [event.sequence_number for event in events]
        equal(numbers, sorted(set(numbers)))
        equal((events[0].type, events[-1].type), ("response.created", "response.completed"))
        return stream.get_final_response()


def streamed_response(model):
    answer = response_streamed(model=model, input=HELLO)
    equal(answer.output_text, respond(model=model).output_text)
    assert answer.usage.output_tokens > 0, answer.usage


def response_loop(model, ask, prompt, **more):
    more = {"tools": [{"type": "function", "strict": True, **FUNCTION}], "store": False, **more}
    first = ask(model=model, input=prompt, **more)
    calls = [item for item in first.output if item.type == "function_call"]
    said = [item.model_dump(exclude_none=True, exclude={"parsed_arguments"})
            for item in first.output]
    results = [{"type": "function_call_output", "call_id": call.call_id, "output": RESULT}
               for call in calls]
    raw = client().responses.with_raw_response.create(
        model=model, input=[*user(prompt), *said, *results], **more)
    told(raw.parse().output_text)
    return calls, served(raw.headers["x-request-id"])


def response_tools(model):
    for way in (client().responses.create, response_streamed):
        calls, _ = response_loop(model, way, saying("calls=2", WEATHER))
        equal([json.loads(call.arguments) for call in calls], CITIES)


def response_structured(model):
    parsed = client().responses.parse(model=model, input=WEATHER, text_format=Weather)
    equal(parsed.output_parsed, Weather(**CITIES[0]))


def response_thoughts(model):
    for way in (client().responses.create, response_streamed):
        _, count = response_loop(
            model, way, saying("reasoning_tokens=7 calls=1", WEATHER),
            include=["reasoning.encrypted_content"], reasoning={"effort": "low"})
        assert count["signatures"] >= 1, f"no signature came back to the provider: {count}"


def response_errors(model):
    refused(openai.RateLimitError, 429, "upstream.rate_limited",
            lambda: respond(model=model, input=saying("status=429 retry_after=2")))
    refused(openai.InternalServerError, 502, "upstream.failed",
            lambda: respond(model=model, input=saying("status=500")))


def cut_response(model):
    switches = "chunks=20 tokens=20 chunk_delay_ms=5 cut_after=4"
    seen = []
    try:
        for event in respond(model=model, input=saying(switches), stream=True):
            seen.append(event.type)
    except openai.APIError as error:
        equal(seen.count("response.output_text.delta"), 4)
        return type(error).__name__
    # The vendor ends a failed stream with this event, and its SDK raises nothing.
    assert seen[-1] in ("response.failed", "error"), f"ended as if it were whole: {seen[-1]}"
    return seen[-1]


# What does not depend on the provider.

def embeddings():
    many = client().embeddings.create(model=EMBEDDING, input=["one", "two"], dimensions=16)
    equal([len(row.embedding) for row in many.data], [16, 16])
    assert many.usage.prompt_tokens > 0
    again = client().embeddings.create(model=EMBEDDING, input="one", dimensions=16)
    equal(again.data[0].embedding, many.data[0].embedding)


def models():
    ids = [model.id for model in client().models.list()]
    assert CHAT in ids and EMBEDDING in ids, ids
    equal([m.id for m in client("unsubscribed").models.list()], [])


def our_limit():
    ask("limited")
    error = refused(openai.RateLimitError, 429, "limit.requests", lambda: ask("limited"))
    assert int(error.response.headers["retry-after"]) >= 1, "Retry-After says when"


def abort():
    slow = user(saying("chunks=500 tokens=500 chunk_delay_ms=20"))
    stream = ask(stream=True, messages=slow)
    request_id = stream.response.headers["x-request-id"]
    for _, chunk in zip(range(4), stream):
        pass
    stream.close()
    ended = lambda: served(request_id)["outcome"] != "running" and served(request_id)
    count, took = until("the provider is let go", ended, 20)
    return f"{count['outcome']} after {took:.2f} s, {count['output']} tokens used"


def bad_request():
    try:
        ask(messages="not a list")
    except openai.BadRequestError as error:
        assert error.code and error.message, error
        return f"{error.code}"
    raise AssertionError("nothing was raised, wanted BadRequestError")


def native():
    """The provider's own address, passed on by the gateway."""
    far = client(root="/native/simulator/v1")
    raw = far.chat.completions.with_raw_response.create(model="sim-small", messages=MESSAGES)
    usage = raw.parse().usage
    counted(raw.headers["x-request-id"], usage.prompt_tokens, usage.completion_tokens)
    refused(openai.NotFoundError, 404, "route.unknown", lambda: far.batches.create(
        completion_window="24h", endpoint="/v1/chat/completions", input_file_id="file-1"))


SCENES = [
    ("a plain chat answers and its usage is what the provider counted", plain_chat),
    ("a streamed chat says the same and carries no usage unasked", streamed_chat),
    ("usage in a stream is what the provider counted", stream_usage),
    ("max_tokens ends an answer with length", max_tokens),
    ("two tools are called at once and their results come back", chat_tools),
    ("structured output is parsed into the class asked for", chat_structured),
    ("its failures raise RateLimitError and InternalServerError", upstream_errors),
    ("a stream that it cuts raises instead of ending", cut_stream),
    ("a response answers and its usage is what the provider counted", plain_response),
    ("a streamed response says the same, in order", streamed_response),
    ("a response calls two tools and takes their results", response_tools),
    ("a response's structured output is parsed", response_structured),
    ("its failures raise the same exceptions from responses", response_errors),
    ("a streamed response that it cuts does not end as if whole", cut_response),
]


def main():
    t = Tests()
    play(t, SCENES)
    play(t, [("signatures of thoughts return through chat completions", chat_thoughts),
             ("sealed thoughts return through responses", response_thoughts)], SIGNING)
    t.check("embeddings come as vectors, the same for the same text", embeddings)
    t.check("the model list holds what the app is subscribed to, and nothing else", models)
    for name, key, code in [("a malformed key", "sk-wrong", "key.malformed"),
                            ("a revoked key", "revoked", "key.revoked")]:
        t.check(f"{name} raises AuthenticationError",
                lambda: refused(openai.AuthenticationError, 401, code, lambda: ask(key)) and None)
    t.check("an unknown model raises NotFoundError", lambda: refused(
        openai.NotFoundError, 404, "model.unknown", lambda: ask(model="no-such-model")) and None)
    t.check("an app without a subscription raises PermissionDeniedError", lambda: refused(
        openai.PermissionDeniedError, 403, "subscription.missing", lambda: ask("unsubscribed")) and None)
    t.check("a body without messages raises BadRequestError", bad_request)
    t.check("our own request limit raises RateLimitError and says when", our_limit)
    t.check("a spending limit raises APIStatusError with 402", lambda: refused(
        openai.APIStatusError, 402, "limit.money", lambda: ask("poor")) and None)
    t.check("the provider's own address passes calls, and nothing that is kept there", native)
    t.check("a stream the caller leaves lets the provider go", abort)
    return t.end()


if __name__ == "__main__":
    sys.exit(main())
