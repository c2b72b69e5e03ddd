"""Anthropic's SDK for Python, unchanged, against the gateway: answers, streams, tools, thoughts
with their signatures, structured output, and its own typed exceptions."""

import sys

import anthropic
from pydantic import BaseModel

from stack import (CHAT, CITIES, GATEWAY, HELLO, KEYS, RESULT, SCHEMA, SIGNING, UNFORCED, WEATHER,
                   Tests, counted, equal, http, play, raises, saying, served, simulated, told,
                   unforced)

TOOLS = [{"name": "get_weather", "description": "The weather.", "input_schema": SCHEMA}]


class Weather(BaseModel):
    city: str


def client(key="good", root=""):
    return anthropic.Anthropic(base_url=GATEWAY + root, api_key=KEYS.get(key, key), max_retries=0,
                               timeout=20)


def body(model, prompt=HELLO, **more):
    return {"model": model, "max_tokens": 500,
            "messages": [{"role": "user", "content": prompt}], **more}


def text_of(message):
    return "".join(block.text for block in message.content if block.type == "text")


def input_of(usage):
    return (usage.input_tokens + (usage.cache_read_input_tokens or 0)
            + (usage.cache_creation_input_tokens or 0))


def plain(model):
    raw = client().messages.with_raw_response.create(**body(model, system="You are terse."))
    message = raw.parse()
    simulated(text_of(message))
    equal((message.model, message.stop_reason, message.role), (model, "end_turn", "assistant"))
    counted(raw.headers["x-request-id"], input_of(message.usage), message.usage.output_tokens)


def streamed(model):
    with client().messages.stream(**body(model)) as stream:
        events = [event.type for event in stream]
        message = stream.get_final_message()
        request_id = stream.response.headers["x-request-id"]
    equal(text_of(message), text_of(client().messages.create(**body(model))))
    equal((events[0], events[-1]), ("message_start", "message_stop"))
    counted(request_id, input_of(message.usage), message.usage.output_tokens)


def loop(model, ask, prompt, **more):
    """One round of tool calls and the answer to their results."""
    first = ask(body(model, prompt, tools=TOOLS, **more))
    equal(first.stop_reason, "tool_use")
    calls = [block for block in first.content if block.type == "tool_use"]
    messages = body(model, prompt)["messages"] + [
        {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in first.content]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": call.id, "content": RESULT} for call in calls]},
    ]
    raw = client().messages.with_raw_response.create(
        **{**body(model, prompt, tools=TOOLS, **more), "messages": messages})
    told(text_of(raw.parse()))
    return first, calls, served(raw.headers["x-request-id"])


def ask_plain(request):
    return client().messages.create(**request)


def ask_streamed(request):
    with client().messages.stream(**request) as stream:
        return stream.get_final_message()


def tools(model):
    for ask in (ask_plain, ask_streamed):
        _, calls, _ = loop(model, ask, saying("calls=2", WEATHER))
        equal([(call.name, call.input) for call in calls],
              [("get_weather", arguments) for arguments in CITIES])
        assert calls[0].id != calls[1].id, "two calls have one id"


def forced(model):
    asked = body(model, tools=TOOLS, tool_choice={"type": "tool", "name": "get_weather"})
    if model in UNFORCED:
        return unforced(anthropic.BadRequestError, lambda: client().messages.create(**asked))
    message = client().messages.create(**asked)
    equal([b.input for b in message.content if b.type == "tool_use"], CITIES[:1])


def structured(model):
    parsed = client().messages.parse(**body(model, WEATHER), output_format=Weather)
    equal(parsed.parsed_output, Weather(**CITIES[0]))


def thoughts(model):
    thinking = {"type": "enabled", "budget_tokens": 1024}
    for ask in (ask_plain, ask_streamed):
        first, _, count = loop(model, ask, saying("reasoning_tokens=7 calls=1", WEATHER),
                               thinking=thinking, max_tokens=4000)
        # A provider that signs calls has the signature carried by a thought before the call.
        assert any(block.signature for block in first.content if block.type == "thinking"), "not signed"
        assert count["signatures"] >= 1, f"no signature came back to the provider: {count}"


def cut_short(model):
    message = client().messages.create(**{**body(model), "max_tokens": 3})
    equal((message.stop_reason, message.usage.output_tokens), ("max_tokens", 3))


def provider_limits(model):
    call = lambda: client().messages.create(**body(model, saying("status=429 retry_after=2")))
    error = raises(anthropic.RateLimitError, call)
    equal((error.body["error"]["type"], error.response.headers["x-tollgate-error-code"]),
          ("rate_limit_error", "upstream.rate_limited"))
    error = raises(anthropic.InternalServerError,
                   lambda: client().messages.create(**body(model, saying("status=500"))))
    equal(error.response.headers["x-tollgate-error-code"], "upstream.failed")


def cut_stream(model):
    switches = "chunks=20 tokens=20 chunk_delay_ms=5 cut_after=4"
    pieces = []

    def read():
        with client().messages.stream(**body(model, saying(switches))) as stream:
            pieces.extend(stream.text_stream)

    try:
        read()
    except anthropic.APIError as error:
        equal(len(pieces), 4)
        return type(error).__name__
    raise AssertionError("a cut stream ended as if it were whole")


def refused(kind, status, code, key="good", **more):
    error = raises(kind, lambda: client(key).messages.create(**{**body(CHAT), **more}))
    equal((error.status_code, error.response.headers["x-tollgate-error-code"]), (status, code))
    equal(error.body["type"], "error")
    assert error.body["error"]["message"] and error.request_id, "no sentence or no request id"


def our_limit():
    client("limited").messages.create(**body(CHAT))
    refused(anthropic.RateLimitError, 429, "limit.requests", "limited")


def count_tokens():
    headers = {"x-api-key": KEYS["good"], "anthropic-version": "2023-06-01"}
    request = {"model": "sim-anthropic", "messages": body("m")["messages"]}
    status, _, _ = http("POST", GATEWAY + "/v1/messages/count_tokens", request, headers)
    if status == 404:
        return "not yet served by the gateway"
    counted = client().messages.count_tokens(**request)
    message = client().messages.create(**body("sim-anthropic"))
    equal(counted.input_tokens, input_of(message.usage))


def native():
    """The provider's own address, passed on by the gateway."""
    far = client(root="/native/sim-anthropic")
    with far.messages.stream(**body("sim-anthropic")) as stream:
        message = stream.get_final_message()
        request_id = stream.response.headers["x-request-id"]
    counted(request_id, input_of(message.usage), message.usage.output_tokens)


SCENES = [
    ("a plain answer, and its usage is what the provider counted", plain),
    ("a stream says the same, in order, with the same usage", streamed),
    ("two tools are called at once and their results come back", tools),
    ("a forced tool is called", forced),
    ("structured output is parsed into the class asked for", structured),
    ("max_tokens ends an answer", cut_short),
    ("its failures raise RateLimitError and InternalServerError", provider_limits),
    ("a stream that it cuts raises instead of ending", cut_stream),
]


def main():
    t = Tests()
    play(t, SCENES)
    play(t, [("thoughts are signed, and their signatures return", thoughts)], SIGNING)
    for name, kind, status, code, more in [
        ("a malformed key raises AuthenticationError", anthropic.AuthenticationError, 401,
         "key.malformed", {"key": "sk-wrong"}),
        ("a revoked key raises AuthenticationError", anthropic.AuthenticationError, 401,
         "key.revoked", {"key": "revoked"}),
        ("an unknown model raises NotFoundError", anthropic.NotFoundError, 404, "model.unknown",
         {"model": "no-such-model"}),
        ("an app without a subscription raises PermissionDeniedError",
         anthropic.PermissionDeniedError, 403, "subscription.missing", {"key": "unsubscribed"}),
        ("messages of the wrong type raise BadRequestError", anthropic.BadRequestError, 400,
         "request.malformed", {"messages": "not a list"}),
        ("a spending limit raises PaymentRequiredError", anthropic.PaymentRequiredError, 402,
         "limit.money", {"key": "poor"}),
    ]:
        t.check(name, lambda: refused(kind, status, code, **more))
    t.check("our own request limit raises RateLimitError", our_limit)
    t.check("tokens of a prompt are counted", count_tokens)
    t.check("the provider's own address passes its streams", native)
    return t.end()


if __name__ == "__main__":
    sys.exit(main())
