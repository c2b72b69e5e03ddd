"""llama.cpp's own server, asked by the vendors' SDKs in their own dialects: what comes back, and
whether every token is recorded and billed as the server counted it."""

import itertools
import sys

import anthropic
import openai
from google import genai

import by_openai
import by_others
from offer import billed
from scene import HELLO, Chat, equal, raises
from servers import CHAT, Llama
from tollgate import Tests, until

# More than the server's context of 4096 tokens holds.
TOO_LONG = "hello world " * 4000


def overflow(s):
    long = [{"role": "user", "content": TOO_LONG}]
    told = [
        raises(openai.BadRequestError, lambda: s.ask(messages=long)),
        raises(openai.BadRequestError, lambda: s.ask(messages=long, stream=True)),
        raises(openai.BadRequestError, lambda: s.openai.responses.create(
            model=s.model, input=TOO_LONG)),
        raises(anthropic.BadRequestError, lambda: s.said(messages=long)),
        raises(anthropic.BadRequestError, lambda: s.said(model=s.messages, messages=long)),
        raises(genai.errors.ClientError, lambda: s.generated(TOO_LONG)),
    ]
    for error in told:
        assert "context size" in str(error), f"not the server's own words: {error}"
    return f"{told[0].type}, {told[3].body['error']['type']}, {told[5].status}"


def several(s):
    # Its usage would tell of one answer, and the others would cost nothing.
    for more in ({"n": 2}, {"extra_body": {"n_cmpl": 2}}):
        error = raises(openai.BadRequestError, lambda: s.ask(**more))
        equal(error.param, "n")
    error = raises(openai.BadRequestError, lambda: s.openai.completions.create(
        model=s.model, prompt=["hello", "world"], max_tokens=5))
    return error.message


def hang_up(s):
    stream = s.openai.chat.completions.create(model=s.model, messages=HELLO, max_tokens=3500,
                                              stream=True)
    request_id = stream.response.headers["x-request-id"]
    before = s.server.counters()["output"]
    # Each of them is a token; the first chunk says only who speaks.
    told = (chunk for chunk in stream if chunk.choices and chunk.choices[0].delta.content)
    came = sum(1 for _ in itertools.islice(told, 20))
    assert came == 20, came
    assert s.server.busy() == 1, "it had finished before the caller left"
    stream.close()
    _, took = until("the server stops", lambda: s.server.busy() == 0, 5)
    event = s.offer.event(request_id)
    made = s.server.counters()["output"] - before
    assert made < 3000, f"the server went on to {made} tokens"
    equal((event["outcome"], event["estimated"]), ("client_gone", True))
    tokens = billed(event)
    assert 20 <= tokens["output"] <= 3000, tokens
    return f"stopped {took * 1000:.0f} ms later after {made} tokens, billed {tokens['output']}"


def books(s, before):
    """Over everything that was recorded, class by class."""
    after = s.server.counters()
    counted = {name: after[name] - before[name] for name in after}
    events = until("every call is recorded", lambda: [
        e for e in [s.offer.events()] if {r["id"] for r in e} >= set(s.ids)], 20)[0][0]
    answered = [billed(e) for e in events if (e["operation"], e["outcome"]) == ("chat", "ok")]
    recorded = {name: sum(tokens[name] for tokens in answered) for name in counted}
    equal(recorded, counted)
    return f"{len(answered)} calls, {counted}"


EXACT = [
    ("a plain chat's tokens are recorded as the server's own tokenizer counts them", by_openai.plain),
    ("a streamed chat says the same and is counted the same", by_openai.streamed),
    ("usage asked for in a stream is the usage recorded", by_openai.stream_usage),
    ("tokens that the server remembered are billed as cached input", by_openai.cached),
    ("an older completion is counted as it says", by_openai.completion),
    ("log-probabilities pass", by_openai.logprobs),
    ("a schema forces output that OpenAI's SDK parses", by_openai.structured),
    ("a tool is called as its schema says, and its result comes back whole", by_openai.tools),
    ("a tool call's arguments come whole in pieces", by_openai.streamed_tools),
    ("a response answers and is recorded with the same tokens", by_openai.response),
    ("a streamed response calls a tool as its schema says", by_openai.response_tools),
    ("in its own words a grammar of llama.cpp's passes, and is counted", by_openai.own_words),
    ("Anthropic's SDK reaches it, its system prompt counted in", by_others.message),
    ("Anthropic's SDK streams it in the order it needs", by_others.streamed_message),
    ("Anthropic's SDK forces one tool of two and hands its result back", by_others.message_tools),
    ("its own Anthropic messages pass, and its count of tokens", by_others.native_message),
    ("its own Anthropic stream passes", lambda s: by_others.streamed_message(s, s.messages)),
    ("OpenAI's SDK reaches it through its Anthropic messages", by_others.native_translated),
    ("its own responses pass", by_openai.native_response),
    ("its own streamed responses pass", by_openai.native_response_stream),
    ("Anthropic's SDK streams from its responses", by_others.responses_translated),
    ("Google's SDK reaches it with the server's own counts", by_others.generated),
    ("Google's SDK streams it", by_others.streamed_generation),
    ("Google's SDK gets output that its schema allows", by_others.generated_structure),
    ("Google's SDK gets a function call that its schema allows", by_others.generated_call),
    ("several answers, of which it counts one, are refused", several),
    ("a prompt beyond its context raises each SDK's own exception in the server's words", overflow),
]


def main():
    t = Tests()
    with Llama("llama", CHAT, "tiny-chat") as server:
        s = Chat(server)
        before = server.counters()
        for name, check in EXACT:
            t.check(name, lambda: check(s))
        t.check("over all calls, input, cached input and output are what the server counted",
                lambda: books(s, before))
        t.check("a caller that hangs up stops the server, and what came is billed",
                lambda: hang_up(s))
    return t.end()


if __name__ == "__main__":
    sys.exit(main())
