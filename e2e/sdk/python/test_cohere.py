"""Cohere's SDK for Python, unchanged, against the gateway: answers, streams, tools, thoughts with
their signatures, documents, structured output, embeddings, rankings, model lists, and its own typed
exceptions. (It raises nothing for a stream that breaks: that is the reason of the stream's end.)"""

import base64
import json
import struct
import sys

import cohere
import cohere.errors as errors
from cohere.core.api_error import ApiError

from stack import (CHAT, CITIES, EMBEDDING, GATEWAY, HELLO, KEYS, MODELS, RESULT, SCHEMA, SIGNING,
                   UNFORCED, WEATHER, Tests, counted, equal, play, raises, saying, served,
                   simulated, told, unforced)

TOOLS = [{"type": "function", "function": {
    "name": "get_weather", "description": "The weather.", "parameters": SCHEMA}}]
DOCUMENTS = ["Oslo is cold.", "The weather in Paris is mild.", "Tollgate meters calls."]


def client(key="good"):
    return cohere.ClientV2(api_key=KEYS.get(key, key), base_url=GATEWAY, timeout=20, max_retries=0)


def user(text):
    return {"role": "user", "content": text}


def body(model, prompt=HELLO, **more):
    return {"model": model, "messages": [user(prompt)], **more}


def ask_plain(request):
    raw = client().with_raw_response.chat(**request)
    answer = raw.data
    return answer.message, answer.finish_reason, answer.usage, raw.headers["x-request-id"], None


def ask_streamed(request):
    """Puts a stream together as a program that keeps everything would."""
    message = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": []}
    types, end = [], None
    with client().with_raw_response.chat_stream(**request) as raw:
        for event in raw.data:
            types.append(event.type)
            kind, _, step = event.type.rpartition("-")
            delta = getattr(event, "delta", None)
            said = delta.message if delta is not None and hasattr(delta, "message") else None
            if step == "start" and kind == "content":
                message["content"].append(said.content.model_dump(exclude_none=True))
            elif step == "delta" and kind == "content":
                grow(message["content"][event.index], said.content.model_dump(exclude_none=True))
            elif kind == "tool-plan":
                message["tool_plan"] += said.tool_plan
            elif step == "start" and kind == "tool-call":
                message["tool_calls"].append(said.tool_calls.model_dump(exclude_none=True))
            elif step == "delta" and kind == "tool-call":
                grow(message["tool_calls"][event.index], said.tool_calls.model_dump(exclude_none=True))
            elif event.type == "message-end":
                end = delta
    equal((types[0], types[-1]), ("message-start", "message-end"))
    request_id = raw.headers["x-request-id"]
    message = {name: value for name, value in message.items() if value}
    parsed = cohere.AssistantMessageResponse.model_validate(message)
    return parsed, end.finish_reason, end.usage, request_id, end.error


def grow(whole, piece):
    for name, value in piece.items():
        if isinstance(value, dict):
            grow(whole.setdefault(name, {}), value)
        elif isinstance(whole.get(name), str) and name in ("text", "thinking", "arguments"):
            whole[name] += value
        else:
            whole[name] = value


def text_of(message):
    return "".join(block.text for block in message.content or [] if block.type == "text")


def metered(request_id, usage):
    units = usage.billed_units
    return counted(request_id, units.input_tokens, units.output_tokens)


def plain(model):
    request = body(model, messages=[{"role": "system", "content": "You are terse."}, user(HELLO)])
    message, finish, usage, request_id, _ = ask_plain(request)
    simulated(text_of(message))
    equal((finish, message.role), ("COMPLETE", "assistant"))
    metered(request_id, usage)


def streamed(model):
    message, finish, usage, request_id, error = ask_streamed(body(model))
    equal(text_of(message), text_of(ask_plain(body(model))[0]))
    equal((finish, error), ("COMPLETE", None))
    metered(request_id, usage)


def loop(model, ask, prompt, **more):
    """One round of tool calls and the answer to their results, with the answer handed back as the
    SDK gives it."""
    message, finish, _, _, _ = ask(body(model, prompt, tools=TOOLS, **more))
    equal(finish, "TOOL_CALL")
    results = [
        {"role": "tool", "tool_call_id": call.id,
         "content": [{"type": "document", "document": {"data": json.dumps({"weather": RESULT})}}]}
        for call in message.tool_calls
    ]
    request = body(model, prompt, tools=TOOLS, **more)
    request["messages"] = [user(prompt), message, *results]
    final, _, _, request_id, _ = ask_plain(request)
    told(text_of(final))
    return message, served(request_id)


def arguments(message):
    return [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls]


def tools(model):
    for ask in (ask_plain, ask_streamed):
        message, _ = loop(model, ask, saying("calls=2", WEATHER))
        equal(arguments(message), [("get_weather", city) for city in CITIES])
        assert message.tool_calls[0].id != message.tool_calls[1].id, "two calls have one id"


def forced(model):
    request = body(model, tools=TOOLS, tool_choice="REQUIRED")
    if model in UNFORCED:
        return unforced(errors.BadRequestError, lambda: client().chat(**request))
    message, _, _, _, _ = ask_plain(request)
    equal(arguments(message), [("get_weather", CITIES[0])])


def structured(model):
    wanted = {"type": "json_object", "json_schema": SCHEMA}
    for ask in (ask_plain, ask_streamed):
        message, _, _, _, _ = ask(body(model, WEATHER, response_format=wanted))
        equal(json.loads(text_of(message)), CITIES[0])


def documents(model):
    bare = ask_plain(body(model))[3]
    document = {"id": "doc-1", "data": {"title": "Weather", "snippet": "It is 21 degrees in Paris."}}
    message, _, _, request_id, _ = ask_plain(body(model, documents=[document, DOCUMENTS[0]]))
    simulated(text_of(message))
    read, without = served(request_id), served(bare)
    assert read["input"] > without["input"], f"the documents were not read: {read}, {without}"


def thoughts(model):
    more = {"thinking": {"type": "enabled", "token_budget": 1024}, "max_tokens": 4000}
    for ask in (ask_plain, ask_streamed):
        message, count = loop(model, ask, saying("reasoning_tokens=7 calls=1", WEATHER), **more)
        assert [block for block in message.content if block.type == "thinking"], "no thoughts"
        assert count["signatures"] >= 1, f"no signature came back to the provider: {count}"


def shown_thoughts(model):
    thinking = {"type": "enabled"}
    request = body(model, saying("reasoning_tokens=7"), thinking=thinking, max_tokens=4000)
    for ask in (ask_plain, ask_streamed):
        message = ask(request)[0]
        equal([block.type for block in message.content], ["thinking", "text"])
        assert message.content[0].thinking, "a thought without a word"


def cut_short(model):
    _, finish, usage, _, _ = ask_plain(body(model, max_tokens=3))
    equal((finish, usage.billed_units.output_tokens), ("MAX_TOKENS", 3))


def provider_limits(model):
    error = raises(errors.TooManyRequestsError,
                   lambda: client().chat(**body(model, saying("status=429 retry_after=2"))))
    equal((error.body["code"], error.headers["x-tollgate-error-code"]), ("upstream.rate_limited",) * 2)
    # A gateway's 502 has no name in this SDK.
    error = raises(ApiError, lambda: client().chat(**body(model, saying("status=500"))))
    equal((error.status_code, error.body["code"]), (502, "upstream.failed"))


def cut_stream(model):
    switches = "chunks=20 tokens=20 chunk_delay_ms=5 cut_after=4"
    message, finish, _, _, error = ask_streamed(body(model, saying(switches)))
    equal(finish, "ERROR")
    assert error and text_of(message), f"no reason, or nothing came: {error!r}"


def refused(kind, status, code, key="good", **more):
    error = raises(kind, lambda: client(key).chat(**{**body(CHAT), **more}))
    equal((error.status_code, error.headers["x-tollgate-error-code"]), (status, code))
    equal((error.body["code"], error.body["id"]), (code, error.headers["x-request-id"]))
    assert error.body["message"], "no sentence"


def stream_refused():
    def read():
        for _ in client("revoked").chat_stream(**body(CHAT)):
            pass

    equal(raises(errors.UnauthorizedError, read).body["code"], "key.revoked")


def our_limit():
    client("limited").chat(**body(CHAT))
    refused(errors.TooManyRequestsError, 429, "limit.requests", "limited")


def embed():
    answer = client().embed(
        model=EMBEDDING, texts=["one", "two"], input_type="search_document", output_dimension=16,
        embedding_types=["float", "base64", "ubinary"])
    floats = answer.embeddings.float_
    equal([len(vector) for vector in floats], [16, 16])
    unpacked = struct.unpack("<16f", base64.b64decode(answer.embeddings.base64[0]))
    assert all(abs(a - b) < 1e-6 for a, b in zip(floats[0], unpacked)), "base64 tells other numbers"
    bits = "".join("1" if number > 0 else "0" for number in floats[0])
    equal(answer.embeddings.ubinary[0], [int(bits[:8], 2), int(bits[8:], 2)])
    equal((answer.texts, answer.response_type), (["one", "two"], "embeddings_by_type"))
    assert answer.meta.billed_units.input_tokens > 0, "no usage"


def embed_first():
    first = cohere.Client(api_key=KEYS["good"], base_url=GATEWAY, timeout=20, max_retries=0)
    answer = first.embed(model=EMBEDDING, texts=["one", "two"], input_type="search_document")
    equal([bool(vector) for vector in answer.embeddings], [True, True])


def embed_refusals():
    ask = lambda **more: client().embed(
        **{"model": EMBEDDING, "texts": ["one"], "input_type": "search_document", **more})
    error = raises(errors.BadRequestError, lambda: ask(embedding_types=["int8"]))
    equal(error.body["param"], "embedding_types[0]")
    raises(errors.BadRequestError, lambda: ask(model=CHAT))
    raises(errors.NotFoundError, lambda: ask(model="no-such-model"))


def rerank():
    answer = client().rerank(model="sim-rerank", query="weather in Paris", documents=DOCUMENTS,
                             top_n=2)
    equal([result.index for result in answer.results][0], 1)
    equal(len(answer.results), 2)
    scores = [result.relevance_score for result in answer.results]
    equal(scores, sorted(scores, reverse=True))
    equal(answer.meta.billed_units.search_units, 1)


def rerank_refusals():
    ask = lambda key, model: client(key).rerank(model=model, query="q", documents=DOCUMENTS)
    equal(raises(errors.UnauthorizedError, lambda: ask("revoked", "sim-rerank")).status_code, 401)
    equal(raises(errors.NotFoundError, lambda: ask("good", "no-such-model")).status_code, 404)
    equal(raises(errors.ForbiddenError, lambda: ask("unsubscribed", "sim-rerank")).status_code, 403)


def models():
    listed = {model.name: model.endpoints for model in client().models.list().models}
    equal([listed.get(model) for model in MODELS], [["chat"]] * len(MODELS))
    equal((listed[EMBEDDING], listed["sim-rerank"]), (["embed"], ["rerank"]))
    equal(client().models.get(CHAT).name, CHAT)


SCENES = [
    ("a plain answer, and its usage is what the provider counted", plain),
    ("a stream says the same, in order, with the same usage", streamed),
    ("two tools are called at once and their results come back", tools),
    ("a forced tool is called", forced),
    ("structured output fits its schema, whole and streamed", structured),
    ("documents reach the model", documents),
    ("max_tokens ends an answer", cut_short),
    ("its failures raise TooManyRequestsError and ApiError", provider_limits),
    ("a stream that it cuts ends as an error", cut_stream),
]
THINKING = [model for model in MODELS if model in ("sim-anthropic", "sim-gemini", "sim-cohere")]


def main():
    t = Tests()
    play(t, SCENES)
    play(t, [("thoughts are shown, whole and streamed", shown_thoughts)], THINKING)
    play(t, [("thoughts are signed, and their signatures return", thoughts)], SIGNING)
    for name, kind, status, code, more in [
        ("a malformed key raises UnauthorizedError", errors.UnauthorizedError, 401,
         "key.malformed", {"key": "sk-wrong"}),
        ("a revoked key raises UnauthorizedError", errors.UnauthorizedError, 401,
         "key.revoked", {"key": "revoked"}),
        ("an unknown model raises NotFoundError", errors.NotFoundError, 404, "model.unknown",
         {"model": "no-such-model"}),
        ("an app without a subscription raises ForbiddenError", errors.ForbiddenError, 403,
         "subscription.missing", {"key": "unsubscribed"}),
        ("messages of the wrong type raise BadRequestError", errors.BadRequestError, 400,
         "request.malformed", {"messages": 7}),
        ("an unknown role raises BadRequestError", errors.BadRequestError, 400,
         "request.malformed", {"messages": [{"role": "nobody", "content": "Hi"}]}),
        ("a spending limit raises ApiError with 402", ApiError, 402, "limit.money",
         {"key": "poor"}),
    ]:
        # What passes untouched is for the provider to judge: a model that is translated.
        more = {"model": "sim-anthropic", **more} if "messages" in more else more
        t.check(name, lambda: refused(kind, status, code, **more))
    t.check("a stream that is refused raises too", stream_refused)
    t.check("our own request limit raises TooManyRequestsError", our_limit)
    t.check("embeddings come as numbers, packed and as bits", embed)
    t.check("embeddings come to the older client too", embed_first)
    t.check("an embedding that cannot be had raises BadRequestError and NotFoundError", embed_refusals)
    t.check("documents are ranked, the best first, and searches are told", rerank)
    t.check("refusals of a ranking raise its own exceptions", rerank_refusals)
    t.check("models are listed with what they serve", models)
    return t.end()


if __name__ == "__main__":
    sys.exit(main())
