"""What the checks of llama.cpp's server share: the SDKs' clients, the server's own count of a
prompt, and what was recorded of a call."""

import functools
import json

import anthropic
import openai
from google import genai
from google.genai import types

from offer import Offer, billed
from tollgate import http

HELLO = [{"role": "user", "content": "hello world"}]
TOOL = {"name": "get_weather", "description": "The weather of a city."}
# Bounded, because a model at random ends no text of its own accord.
ARGUMENTS = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 12},
                                              "days": {"type": "integer", "minimum": 1,
                                                       "maximum": 14}},
             "required": ["city", "days"], "additionalProperties": False}
FUNCTION = {"type": "function", "function": {**TOOL, "parameters": ARGUMENTS}}


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


class Unfinished(Exception):
    """The model reached its bound before it had said all that it was forced to."""


def finished(reason, cut):
    if reason == cut:
        raise Unfinished(reason)


def at_random(check):
    """A check of what a model at random is forced to say: only where it reached its bound first, it
    is asked again, a few times."""
    @functools.wraps(check)
    def again(s):
        for _ in range(5):
            try:
                return check(s)
            except (Unfinished, openai.LengthFinishReasonError):
                pass
        return check(s)
    return again


def weather(arguments):
    """Arguments of a call as its schema wants them."""
    arguments = json.loads(arguments) if isinstance(arguments, str) else arguments
    equal(sorted(arguments), ["city", "days"])
    assert isinstance(arguments["city"], str) and isinstance(arguments["days"], int), arguments
    return json.dumps(arguments)


def raises(kind, call):
    try:
        call()
    except Exception as error:
        assert type(error) is kind, f"{type(error).__name__} instead of {kind.__name__}: {error}"
        return error
    raise AssertionError(f"nothing was raised, wanted {kind.__name__}")
