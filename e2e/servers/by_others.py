"""The SDKs of Anthropic and Google against llama.cpp's server: translated into OpenAI's dialect, and
through the server's own messages and responses."""

from google.genai import types

from scene import ARGUMENTS, HELLO, TOOL, at_random, counted_by, equal, finished, same, weather

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


@at_random
def message_tools(s):
    tool = {**TOOL, "input_schema": ARGUMENTS}
    # Of two tools, the one that is forced.
    other = {**tool, "name": "get_time"}
    first = s.said(tools=[other, tool], max_tokens=400,
                   tool_choice={"type": "tool", "name": "get_weather"})
    finished(first.stop_reason, "max_tokens")
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


@at_random
def generated_structure(s):
    answer = s.generated(max_output_tokens=400, response_mime_type="application/json",
                         response_json_schema=ARGUMENTS)
    finished(answer.candidates[0].finish_reason, types.FinishReason.MAX_TOKENS)
    return weather(answer.text)


@at_random
def generated_call(s):
    function = types.FunctionDeclaration(**TOOL, parameters_json_schema=ARGUMENTS)
    answer = s.generated(
        max_output_tokens=400, tools=[types.Tool(function_declarations=[function])],
        tool_config=types.ToolConfig(function_calling_config=types.FunctionCallingConfig(mode="ANY")),
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True))
    finished(answer.candidates[0].finish_reason, types.FinishReason.MAX_TOKENS)
    assert answer.function_calls, answer
    return weather(answer.function_calls[0].args)
