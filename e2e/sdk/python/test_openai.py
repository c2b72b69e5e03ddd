"""OpenAI's SDK for Python, unchanged, against the gateway: answers, streams, and its own typed
exceptions for every refusal."""

import json
import os
import sys

import openai

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from tollgate import Tests, http, until

with open(os.environ["TOLLGATE_SDK"]) as f:
    SET = json.load(f)
CHAT, EMBEDDING = SET["chat_model"], SET["embedding_model"]
HELLO = [{"role": "user", "content": "Say hello."}]


def client(key="good"):
    return openai.OpenAI(base_url=SET["gateway_url"] + "/v1", api_key=SET["keys"].get(key, key),
                         max_retries=0, timeout=20)


def saying(switches):
    return [{"role": "user", "content": f"Say hello. [[sim {switches}]]"}]


def served(request_id):
    """What the simulator counted for a call."""
    status, _, text = http("GET", f"{SET['simulator_url']}/_sim/requests?id={request_id}")
    assert status == 200, f"the simulator knows no {request_id}: {text}"
    return json.loads(text)


def equal(got, wanted):
    assert got == wanted, f"got {got!r}, wanted {wanted!r}"


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


def ask(key="good", **more):
    return client(key).chat.completions.create(**{"model": CHAT, "messages": HELLO, **more})


def plain_chat():
    raw = client().chat.completions.with_raw_response.create(model=CHAT, messages=HELLO)
    answer = raw.parse()
    count = served(raw.headers["x-request-id"])
    assert answer.choices[0].message.content
    equal(answer.usage.completion_tokens, count["output"] + count["reasoning"])
    equal(answer.usage.prompt_tokens, count["input"] + count["cached_input"])
    equal(answer.model, CHAT)


def streamed_chat():
    chunks = list(ask(stream=True))
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    equal(text, ask().choices[0].message.content)
    assert all(c.usage is None for c in chunks), "usage was not asked for"
    equal(chunks[-1].choices[0].finish_reason, "stop")


def stream_usage():
    stream = ask(stream=True, stream_options={"include_usage": True})
    count_id = stream.response.headers["x-request-id"]
    last = list(stream)[-1]
    count = served(count_id)
    equal(last.choices, [])
    equal(last.usage.completion_tokens, count["output"])
    equal(last.usage.prompt_tokens, count["input"])


def max_tokens():
    answer = ask(max_tokens=3)
    equal((answer.usage.completion_tokens, answer.choices[0].finish_reason), (3, "length"))


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


def upstream_limit():
    call = lambda: ask(messages=saying("status=429 retry_after=2"))
    refused(openai.RateLimitError, 429, "upstream.rate_limited", call)


def our_limit():
    ask("limited")
    error = refused(openai.RateLimitError, 429, "limit.requests", lambda: ask("limited"))
    assert int(error.response.headers["retry-after"]) >= 1, "Retry-After says when"


def cut_stream():
    stream = ask(stream=True, messages=saying("chunks=20 tokens=20 chunk_delay_ms=5 cut_after=4"))
    seen = 0
    try:
        for chunk in stream:
            seen += 1 if chunk.choices and chunk.choices[0].delta.content else 0
    except openai.APIError as error:
        assert seen == 4, seen
        return f"{type(error).__name__}: {error.message}"
    raise AssertionError("a cut stream ended as if it were whole")


def abort():
    slow = saying("chunks=500 tokens=500 chunk_delay_ms=20")
    stream = ask(stream=True, messages=slow)
    request_id = stream.response.headers["x-request-id"]
    for _, chunk in zip(range(4), stream):
        pass
    stream.close()
    ended = lambda: served(request_id)["outcome"] != "running" and served(request_id)
    count, took = until("the provider is let go", ended, 20)
    return f"{count['outcome']} after {took:.2f} s, {count['output']} tokens used"


def main():
    t = Tests()
    t.check("a plain chat answers and its usage is what the provider counted", plain_chat)
    t.check("a streamed chat says the same and carries no usage unasked", streamed_chat)
    t.check("usage in a stream is what the provider counted", stream_usage)
    t.check("max_tokens ends an answer with length", max_tokens)
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
    t.check("a body without messages raises BadRequestError", lambda: expect_bad_request())
    t.check("a provider's rate limit raises RateLimitError", upstream_limit)
    t.check("our own request limit raises RateLimitError and says when", our_limit)
    t.check("a spending limit raises APIStatusError with 402", lambda: refused(
        openai.APIStatusError, 402, "limit.money", lambda: ask("poor")) and None)
    t.check("a failing provider raises InternalServerError", lambda: refused(
        openai.InternalServerError, 502, "upstream.failed",
        lambda: ask(messages=saying("status=500"))) and None)
    t.check("a stream cut by the provider raises instead of ending", cut_stream)
    t.check("a stream the caller leaves lets the provider go", abort)
    return t.end()


def expect_bad_request():
    try:
        ask(messages="not a list")
    except openai.BadRequestError as error:
        assert error.code and error.message, error
        return f"{error.code}"
    raise AssertionError("nothing was raised, wanted BadRequestError")


if __name__ == "__main__":
    sys.exit(main())
