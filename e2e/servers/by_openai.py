"""OpenAI's SDK against llama.cpp's server, which speaks its dialect, and in the server's own words."""

import openai
from pydantic import BaseModel, Field

from offer import billed
from scene import ARGUMENTS, FUNCTION, HELLO, TOOL, at_random, counted_by, equal, finished, same, weather


class Weather(BaseModel):
    city: str = Field(max_length=12)
    days: int = Field(ge=1, le=14)


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


@at_random
def structured(s):
    parsed = s.openai.chat.completions.parse(model=s.model, messages=HELLO, max_tokens=400,
                                             response_format=Weather)
    weather(parsed.choices[0].message.parsed.model_dump())
    return parsed.choices[0].message.content


@at_random
def tools(s):
    first = s.ask(tools=[FUNCTION], tool_choice="required", max_tokens=400).choices[0]
    finished(first.finish_reason, "length")
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


@at_random
def streamed_tools(s):
    with s.openai.chat.completions.stream(model=s.model, messages=HELLO, max_tokens=400,
                                          tools=[FUNCTION], tool_choice="required") as stream:
        for _ in stream:
            pass
        choice = stream.get_final_completion().choices[0]
    finished(choice.finish_reason, "length")
    message = choice.message
    assert message.tool_calls, message
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


@at_random
def response_tools(s):
    with s.openai.responses.stream(
            model=s.model, input="hello world", max_output_tokens=400, tool_choice="required",
            tools=[{"type": "function", **TOOL, "parameters": ARGUMENTS, "strict": True}]) as stream:
        for _ in stream:
            pass
        answer = stream.get_final_response()
    finished(answer.status, "incomplete")
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
