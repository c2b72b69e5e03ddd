"""What the suites share: the keys made for them, the simulator's count of a call, and the scenes
that each SDK plays against a model behind every dialect."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from tollgate import Tests, http, until  # noqa: F401  (the suites take them from here)

with open(os.environ["TOLLGATE_SDK"]) as f:
    SET = json.load(f)
GATEWAY, KEYS, MODELS = SET["gateway_url"], SET["keys"], SET["models"]
CHAT, EMBEDDING = SET["chat_model"], SET["embedding_model"]
KEYS["limited"] = SET["limited"][os.environ["TOLLGATE_SUITE"]]

# Providers whose simulated thoughts are signed, and whose signatures must come back as they were.
SIGNING = [m for m in MODELS if m in ("sim-responses", "sim-anthropic", "sim-gemini", "sim-bedrock")]

# Providers whose dialect has no word for a forced tool: such a call is refused, by the table.
UNFORCED = ["sim-ollama"]

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
          "additionalProperties": False}
WEATHER = "What is the weather in Paris and in Oslo?"
# What the simulator gives as arguments of a first and a second call, and what the tool says then.
CITIES = [{"city": "simulated"}, {"city": "simulated 2"}]
RESULT = "21 degrees"
HELLO = "Say hello."


def saying(switches, text=HELLO):
    return f"{text} [[sim {switches}]]"


def served(request_id):
    """What the simulator counted for a call."""
    status, _, text = http("GET", f"{SET['simulator_url']}/_sim/requests?id={request_id}")
    assert status == 200, f"the simulator knows no {request_id}: {text}"
    return json.loads(text)


def last():
    """The last call that any provider got."""
    _, _, text = http("GET", f"{SET['simulator_url']}/_sim/requests")
    return json.loads(text)[-1]


def equal(got, wanted):
    assert got == wanted, f"got {got!r}, wanted {wanted!r}"


def counted(request_id, input_tokens, output_tokens):
    """The usage that the SDK shows is what the provider counted."""
    count = served(request_id)
    equal(output_tokens, count["output"] + count["reasoning"])
    equal(input_tokens, count["input"] + count["cached_input"] + count["cache_write"])
    return count


def simulated(text):
    assert "simulator" in text, f"not the simulator's words: {text!r}"


def told(text):
    assert RESULT in text, f"the tool's result did not come back: {text!r}"


def raises(kind, call):
    """`call` must raise exactly the SDK's own exception."""
    try:
        call()
    except Exception as error:
        assert type(error) is kind, f"{type(error).__name__} instead of {kind.__name__}: {error}"
        return error
    raise AssertionError(f"nothing was raised, wanted {kind.__name__}")


def unforced(kind, call):
    """A provider on which no tool can be forced: the field is named."""
    assert "tool_choice" in str(raises(kind, call)), "the field is not named"


def play(tests, scenes, models=None):
    """Each scene, a name and a function of a model, against each model."""
    for model in MODELS if models is None else models:
        for name, scene in scenes:
            tests.check(f"{model}: {name}", lambda: scene(model))
