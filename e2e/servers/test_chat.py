"""llama.cpp's own server, asked by the vendors' SDKs in their own dialects: what comes back, and
whether every token is recorded and billed as the server counted it."""

import json
import sys

import anthropic
import openai
from google import genai
from google.genai import types
from pydantic import BaseModel, Field

from offer import Offer, billed, http, until
from servers import CHAT, Llama
from tollgate import Tests

HELLO = [{"role": "user", "content": "hello world"}]
TOOL = {"name": "get_weather", "description": "The weather of a city."}
# Bounded, because a model at random ends no text of its own accord.
ARGUMENTS = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 12},
                                              "days": {"type": "integer"}},
             "required": ["city", "days"], "additionalProperties": False}
FUNCTION = {"type": "function", "function": {**TOOL, "parameters": ARGUMENTS}}
# More than the server's context of 4096 tokens holds.
TOO_LONG = "hello world " * 4000


class Weather(BaseModel):
    city: str = Field(max_length=12)
    days: int


class Chat:
    """The suite's model under two names: told in OpenAI's dialect, and in all that it serves."""

    def __init__(self, server):
        self.server = server
        self.offer = offer = Offer("chat")
        plain = offer.provider("openai", server.url + "/v1", "llama_cpp")
        native = offer.provider("native", server.url + "/v1", None, "anthropic")
        self.model = offer.model("tiny", "tiny-chat", [plain])
        responses = offer.provider("responses", server.url + "/v1", None, "responses")
        self.messages = offer.model("tiny-messages", "tiny-chat", [native])
        self.responses = offer.model("tiny-responses", "tiny-chat", [responses])
        offer.open()
        self.openai = openai.OpenAI(base_url=offer.gateway + "/v1", api_key=offer.key,
                                    max_retries=0, timeout=30)
        self.anthropic = anthropic.Anthropic(base_url=offer.gateway, api_key=offer.key,
                                             max_retries=0, timeout=30)
        self.gemini = genai.Client(api_key=offer.key,
                                   http_options=types.HttpOptions(base_url=offer.gateway))
        self.ids = []

    def ask(self, **more):
        raw = self.openai.chat.completions.with_raw_response.create(
            **{"model": self.model, "messages": HELLO, "max_tokens": 12, **more})
        self.ids.append(raw.headers["x-request-id"])
        return raw.parse()

    def said(self, **more):
        """An answer from Anthropic's SDK."""
        raw = self.anthropic.messages.with_raw_response.create(
            **{"model": self.model, "messages": HELLO, "max_tokens": 12, **more})
        self.ids.append(raw.headers["x-request-id"])
        return raw.parse()

    def generated(self, prompt="hello world", **config):
        """An answer from Google's SDK."""
        answer = self.gemini.models.generate_content(
            model=self.model, contents=prompt,
            config=types.GenerateContentConfig(**{"max_output_tokens": 12, **config}))
        self.ids.append(answer.sdk_http_response.headers["x-request-id"])
        return answer

    def recorded(self):
        """What was recorded and billed of the last call."""
        return billed(self.offer.event(self.ids[-1]))


def equal(got, wanted):
    assert got == wanted, f"got {got!r}, wanted {wanted!r}"


def same(tokens, prompt, answer):
    """The tokens recorded are those that the SDK shows."""
    equal((tokens["input"] + tokens["cached_input"], tokens["output"]), (prompt, answer))


def counted_by(server, messages, **more):
    """Tokens of a prompt as the server makes them: its template, then its tokenizer."""
    prompt = json.loads(http("POST", server.url + "/apply-template",
                             {"messages": messages, **more})[2])["prompt"]
    body = {"content": prompt, "add_special": True, "parse_special": True}
    return len(json.loads(http("POST", server.url + "/tokenize", body)[2])["tokens"])


def weather(arguments):
    """Arguments of a call as its schema wants them."""
    arguments = json.loads(arguments) if isinstance(arguments, str) else arguments
    equal(sorted(arguments), ["city", "days"])
    assert isinstance(arguments["city"], str) and isinstance(arguments["days"], int), arguments
    return json.dumps(arguments)


# OpenAI's SDK: the caller's dialect is the server's.

def plain(s):
    answer = s.ask()
    equal((answer.choices[0].finish_reason, answer.usage.completion_tokens), ("length", 12))
    equal(answer.usage.prompt_tokens, counted_by(s.server, HELLO))
    same(s.recorded(), answer.usage.prompt_tokens, 12)


def streamed(s):
    stream = s.openai.chat.completions.create(model=s.model, messages=HELLO, max_tokens=12,
                                              seed=7, stream=True)
    s.ids.append(stream.response.headers["x-request-id"])
    chunks = list(stream)
    text = "".join(c.choices[0].delta.content or "" for c in chunks)
    assert all(c.usage is None for c in chunks), "usage was not asked for"
    equal(text, s.ask(seed=7).choices[0].message.content)
    same(billed(s.offer.event(s.ids[-2])), counted_by(s.server, HELLO), 12)


def stream_usage(s):
    stream = s.openai.chat.completions.create(model=s.model, messages=HELLO, max_tokens=9,
                                              stream=True, stream_options={"include_usage": True})
    s.ids.append(stream.response.headers["x-request-id"])
    usage = list(stream)[-1].usage
    same(s.recorded(), usage.prompt_tokens, usage.completion_tokens)


def cached(s):
    prompt = [{"role": "user", "content": "the gateway and the model and a token " * 12}]
    first, second = s.ask(messages=prompt), s.ask(messages=prompt)
    remembered = second.usage.prompt_tokens_details.cached_tokens
    assert remembered > first.usage.prompt_tokens // 2, second.usage
    tokens = s.recorded()
    equal((tokens["cached_input"], tokens["input"]),
          (remembered, second.usage.prompt_tokens - remembered))
    return f"{remembered} of {second.usage.prompt_tokens} tokens"


def completion(s):
    raw = s.openai.completions.with_raw_response.create(model=s.model, prompt="hello", max_tokens=5)
    s.ids.append(raw.headers["x-request-id"])
    usage = raw.parse().usage
    same(s.recorded(), usage.prompt_tokens, usage.completion_tokens)


def logprobs(s):
    answer = s.ask(logprobs=True, top_logprobs=3, max_tokens=4)
    content = answer.choices[0].logprobs.content
    equal([len(token.top_logprobs) for token in content], [3] * 4)


def structured(s):
    parsed = s.openai.chat.completions.parse(model=s.model, messages=HELLO, max_tokens=400,
                                             response_format=Weather)
    weather(parsed.choices[0].message.parsed.model_dump())
    return parsed.choices[0].message.content


def tools(s):
    first = s.ask(tools=[FUNCTION], tool_choice="required", max_tokens=400).choices[0]
    equal(first.finish_reason, "tool_calls")
    call = first.message.tool_calls[0]
    equal(call.function.name, "get_weather")
    weather(call.function.arguments)
    history = [*HELLO, first.message.model_dump(exclude_none=True),
               {"role": "tool", "tool_call_id": call.id, "content": "21 degrees"}]
    # No token of the result, or of the call before it, is lost on the way.
    second = s.ask(messages=history, tools=[FUNCTION])
    equal(second.usage.prompt_tokens, counted_by(s.server, history, tools=[FUNCTION]))
    assert second.choices[0].message.content, second
    return call.function.arguments


def streamed_tools(s):
    with s.openai.chat.completions.stream(model=s.model, messages=HELLO, max_tokens=400,
                                          tools=[FUNCTION], tool_choice="required") as stream:
        for _ in stream:
            pass
        message = stream.get_final_completion().choices[0].message
    for call in message.tool_calls:
        weather(call.function.arguments)


def response(s):
    raw = s.openai.responses.with_raw_response.create(
        model=s.model, input="hello world", max_output_tokens=12)
    s.ids.append(raw.headers["x-request-id"])
    answer = raw.parse()
    equal((answer.status, answer.incomplete_details.reason), ("incomplete", "max_output_tokens"))
    assert answer.output_text
    same(s.recorded(), answer.usage.input_tokens, answer.usage.output_tokens)


def response_tools(s):
    with s.openai.responses.stream(
            model=s.model, input="hello world", max_output_tokens=400, tool_choice="required",
            tools=[{"type": "function", **TOOL, "parameters": ARGUMENTS, "strict": True}]) as stream:
        for _ in stream:
            pass
        answer = stream.get_final_response()
    calls = [item for item in answer.output if item.type == "function_call"]
    assert calls, answer.output
    for call in calls:
        weather(call.arguments)


def own_words(s):
    """What the server's own form of a request has and no dialect does."""
    client = openai.OpenAI(base_url=s.offer.gateway + "/native/chat-openai/v1", api_key=s.offer.key,
                           max_retries=0, timeout=30)
    raw = client.chat.completions.with_raw_response.create(
        model=s.model, messages=HELLO, max_tokens=200, extra_body={"grammar": 'root ::= "gateway"'})
    s.ids.append(raw.headers["x-request-id"])
    answer = raw.parse()
    equal((answer.choices[0].message.content, answer.choices[0].finish_reason), ("gateway", "stop"))
    same(s.recorded(), answer.usage.prompt_tokens, answer.usage.completion_tokens)


# Anthropic's SDK.

def message(s):
    answer = s.said(system="the model is a token")
    equal((answer.stop_reason, answer.usage.output_tokens), ("max_tokens", 12))
    prompt = [{"role": "system", "content": "the model is a token"}, *HELLO]
    read = answer.usage.input_tokens + (answer.usage.cache_read_input_tokens or 0)
    equal(read, counted_by(s.server, prompt))
    same(s.recorded(), read, 12)


def streamed_message(s, model=None):
    with s.anthropic.messages.stream(model=model or s.model, messages=HELLO, max_tokens=12) as stream:
        kinds = [event.type for event in stream]
        s.ids.append(stream.response.headers["x-request-id"])
        answer = stream.get_final_message()
    equal((kinds[0], kinds[-1]), ("message_start", "message_stop"))
    assert answer.content[0].text
    usage = answer.usage
    same(s.recorded(), usage.input_tokens + (usage.cache_read_input_tokens or 0), 12)
    equal(usage.output_tokens, 12)


def message_tools(s):
    tool = {**TOOL, "input_schema": ARGUMENTS}
    # Of two tools, the one that is forced.
    other = {**tool, "name": "get_time"}
    first = s.said(tools=[other, tool], max_tokens=400,
                   tool_choice={"type": "tool", "name": "get_weather"})
    equal(first.stop_reason, "tool_use")
    calls = [block for block in first.content if block.type == "tool_use"]
    equal({call.name for call in calls}, {"get_weather"})
    for call in calls:
        weather(call.input)
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "21 degrees"}
               for call in calls]
    second = s.said(tools=[tool], messages=[
        *HELLO, {"role": "assistant", "content": [b.model_dump() for b in first.content]},
        {"role": "user", "content": results}])
    assert second.content[0].text, second


def native_message(s):
    answer = s.said(model=s.messages)
    equal((answer.stop_reason, answer.usage.output_tokens), ("max_tokens", 12))
    read = answer.usage.input_tokens + (answer.usage.cache_read_input_tokens or 0)
    same(s.recorded(), read, 12)
    count = s.anthropic.messages.count_tokens(model=s.messages, messages=HELLO)
    equal(count.input_tokens, counted_by(s.server, HELLO))


def native_translated(s):
    answer = s.ask(model=s.messages)
    equal((answer.choices[0].finish_reason, answer.usage.completion_tokens), ("length", 12))
    equal(answer.usage.prompt_tokens, counted_by(s.server, HELLO))


# Its own responses.

def native_response(s):
    raw = s.openai.responses.with_raw_response.create(
        model=s.responses, input="hello world", max_output_tokens=12)
    s.ids.append(raw.headers["x-request-id"])
    answer = raw.parse()
    equal((answer.output_text != "", answer.usage.output_tokens), (True, 12))
    same(s.recorded(), answer.usage.input_tokens, 12)


def native_response_stream(s):
    # Its events have no numbers, which the SDK's helper wants: they are taken as they come.
    stream = s.openai.responses.create(model=s.responses, input="hello world", stream=True,
                                       max_output_tokens=12)
    s.ids.append(stream.response.headers["x-request-id"])
    events = list(stream)
    equal(events[-1].type, "response.completed")
    said = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    equal(said, events[-1].response.output_text)
    same(s.recorded(), events[-1].response.usage.input_tokens, 12)


def responses_translated(s):
    streamed_message(s, s.responses)


# Google's SDK.

def generated(s):
    answer = s.generated()
    usage = answer.usage_metadata
    equal((answer.candidates[0].finish_reason.name, usage.candidates_token_count),
          ("MAX_TOKENS", 12))
    equal(usage.prompt_token_count, counted_by(s.server, HELLO))
    same(s.recorded(), usage.prompt_token_count, 12)


def streamed_generation(s):
    chunks = list(s.gemini.models.generate_content_stream(
        model=s.model, contents="hello world",
        config=types.GenerateContentConfig(max_output_tokens=12)))
    assert "".join(chunk.text or "" for chunk in chunks)
    equal(chunks[-1].usage_metadata.candidates_token_count, 12)


def generated_structure(s):
    answer = s.generated(max_output_tokens=400, response_mime_type="application/json",
                         response_json_schema=ARGUMENTS)
    return weather(answer.text)


def generated_call(s):
    function = types.FunctionDeclaration(**TOOL, parameters_json_schema=ARGUMENTS)
    answer = s.generated(
        max_output_tokens=400, tools=[types.Tool(function_declarations=[function])],
        tool_config=types.ToolConfig(function_calling_config=types.FunctionCallingConfig(mode="ANY")),
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True))
    assert answer.function_calls, answer
    return weather(answer.function_calls[0].args)


# Refusals.

def raises(kind, call):
    try:
        call()
    except Exception as error:
        assert type(error) is kind, f"{type(error).__name__} instead of {kind.__name__}: {error}"
        return error
    raise AssertionError(f"nothing was raised, wanted {kind.__name__}")


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
    for _, chunk in zip(range(20), stream):
        pass
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
    ("a plain chat's tokens are recorded as the server's own tokenizer counts them", plain),
    ("a streamed chat says the same and is counted the same", streamed),
    ("usage asked for in a stream is the usage recorded", stream_usage),
    ("tokens that the server remembered are billed as cached input", cached),
    ("an older completion is counted as it says", completion),
    ("log-probabilities pass", logprobs),
    ("a schema forces output that OpenAI's SDK parses", structured),
    ("a tool is called as its schema says, and its result comes back whole", tools),
    ("a tool call's arguments come whole in pieces", streamed_tools),
    ("a response answers and is recorded with the same tokens", response),
    ("a streamed response calls a tool as its schema says", response_tools),
    ("in its own words a grammar of llama.cpp's passes, and is counted", own_words),
    ("Anthropic's SDK reaches it, its system prompt counted in", message),
    ("Anthropic's SDK streams it in the order it needs", streamed_message),
    ("Anthropic's SDK forces one tool of two and hands its result back", message_tools),
    ("its own Anthropic messages pass, and its count of tokens", native_message),
    ("its own Anthropic stream passes", lambda s: streamed_message(s, s.messages)),
    ("OpenAI's SDK reaches it through its Anthropic messages", native_translated),
    ("its own responses pass", native_response),
    ("its own streamed responses pass", native_response_stream),
    ("Anthropic's SDK streams from its responses", responses_translated),
    ("Google's SDK reaches it with the server's own counts", generated),
    ("Google's SDK streams it", streamed_generation),
    ("Google's SDK gets output that its schema allows", generated_structure),
    ("Google's SDK gets a function call that its schema allows", generated_call),
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
